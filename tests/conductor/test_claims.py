"""Claims of many groups share transactions, and none suffers from another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from esi_flows.conductor.claims import Claims, Wanted
from esi_flows.model import keys
from esi_flows.model.errors import StoreError
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.store.base import Store, absent, created_at
from esi_flows.store.etcd import EtcdStore
from esi_flows.store.faults import Fault, FaultyStore
from tests.conductor.conftest import MakeConductor, World, network
from tests.plugins import ListHandler


def posted(store: Store, count: int) -> list[Wanted]:
    wanted = []
    for number in range(count):
        record = GroupRecord(
            name=f"network:n{number}:1",
            action=Action.CREATE,
            resource=ResourceRef("network", f"n{number}"),
            version=1,
            job_ids=(),
        )
        revision = store.put(keys.group(record.name), record.encode())
        wanted.append(Wanted(record, revision, [absent("/paused")]))
    return wanted


def claims_on(store: Store) -> Claims:
    return Claims(store, conductor_id="me", lease=store.grant(60))


def test_many_are_claimed_in_few_transactions(store: EtcdStore) -> None:
    wanted = posted(store, 100)
    before = store.range("/esi-flows/").revision
    taken = claims_on(store).take_groups(wanted, 1.0)
    assert store.range("/esi-flows/").revision - before <= 3
    for (record, _, _), claim in zip(wanted, taken, strict=True):
        found = store.get(keys.claim(record.name))
        marked = store.get(keys.group(record.name))
        assert found is not None
        assert marked is not None
        assert claim is not None
        assert claim.fence == created_at(found.key, found.create_revision)
        assert GroupRecord.decode(marked.key, marked.value).state is GroupState.RUNNING


@pytest.mark.parametrize("kind", ["claimed", "changed"])
def test_one_that_another_has_taken_costs_the_others_nothing(store: EtcdStore, kind: str) -> None:
    wanted = posted(store, 10)
    name = wanted[4].record.name
    store.put(keys.claim(name) if kind == "claimed" else keys.group(name), b"other")
    taken = claims_on(store).take_groups(wanted, 1.0)
    assert [number for number, claim in enumerate(taken) if claim is None] == [4]


@pytest.mark.parametrize("fault", [Fault.LOST_REPLY, Fault.LOST_REQUEST])
def test_after_a_lost_answer_every_claim_returned_is_one_that_holds(
    store: EtcdStore, fault: Fault
) -> None:
    calls = 0

    def choose(method: str, arguments: Sequence[Any]) -> Fault | None:
        nonlocal calls
        calls += method == "txn"
        return fault if method == "txn" and calls == 1 else None

    wanted = posted(store, 5)
    taken = claims_on(FaultyStore(store, choose)).take_groups(wanted, 1.0)
    for (record, _, _), claim in zip(wanted, taken, strict=True):
        found = store.get(keys.claim(record.name))
        assert found is not None
        assert claim is None or claim.token == found.create_revision
    assert (None in taken) == (fault is Fault.LOST_REPLY)


def test_an_outage_is_told(store: EtcdStore) -> None:
    wanted = posted(store, 5)
    faulty = FaultyStore(store, lambda method, _: Fault.ERROR if method == "txn" else None)
    with pytest.raises(StoreError):
        claims_on(faulty).take_groups(wanted, 1.0)


def test_the_first_groups_run_while_others_are_still_to_be_compiled(
    world: World, heat: ListHandler, make_conductor: MakeConductor
) -> None:
    posted_by_then: list[int] = []

    def count(job: Any) -> None:
        posted_by_then.append(len(world.store.range(keys.MEMO).items))

    heat.waits_for = count
    for number in range(300):
        world.want(network(f"n{number}"))
    make_conductor()
    for number in range(300):
        world.state(network(f"n{number}"))
    assert posted_by_then[0] < 200
