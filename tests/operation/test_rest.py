"""Rest is when every intent is decided and every group has ended, whoever did it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog, ResourceType
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.model.keys import ResourcePath
from esi_flows.operation.rest import Rest
from esi_flows.store.base import Op, Put, Store

NETWORK = ResourceRef("network", "n1")
PATH = ResourcePath("v2.0/networks", "n1")
CATALOG = Catalog([ResourceType(type="network", prefix="/v2.0", plural="networks")], [])
SECONDS = 10.0

pytestmark = pytest.mark.etcd


class Listening:
    """A rest object, and whether it has told of rest."""

    def __init__(self, store: Store) -> None:
        self.told = threading.Event()
        self.rest = Rest(store, CATALOG, self.told.set)

    def begin(self) -> None:
        self.rest.start()
        assert self.rest.begin(SECONDS)
        self.rest.look()

    @property
    def rests(self) -> bool:
        return self.rest.confirm()


@pytest.fixture
def listening(store: Store) -> Iterator[Listening]:
    made = Listening(store)
    yield made
    made.rest.stop()


def wanted(version: int = 1) -> Put:
    return Put(keys.config(PATH), Intent({"id": "n1"}, version).encode())


def accepted(version: int = 1) -> Put:
    return Put(keys.memo(PATH), Memo({"id": "n1"}, version).encode())


def group(state: GroupState, version: int = 1) -> Put:
    record = GroupRecord(
        name=f"{NETWORK}:{version}",
        action=Action.CREATE,
        resource=NETWORK,
        version=version,
        job_ids=(),
        state=state,
    )
    return Put(keys.group(record.name), record.encode())


def refused(revision: int) -> Put:
    note: dict[str, Any] = {"reason": "no such type", "hint": "", "revision": revision}
    return Put(keys.quarantine(keys.config(PATH)), codec.dumps(note))


def write(store: Store, *ops: Op) -> int:
    return store.txn([], ops).revision


def test_an_empty_store_is_at_rest(listening: Listening) -> None:
    listening.begin()
    assert listening.told.is_set()
    assert listening.rests


def test_an_intent_that_nobody_has_looked_at_is_work(store: Store, listening: Listening) -> None:
    write(store, wanted())
    listening.begin()
    assert not listening.told.is_set()
    write(store, accepted())
    assert listening.told.wait(SECONDS)
    assert listening.rests


def test_a_group_is_work_until_it_has_ended(store: Store, listening: Listening) -> None:
    write(store, wanted(), accepted(), group(GroupState.PENDING))
    listening.begin()
    write(store, group(GroupState.RUNNING))
    assert not listening.rests
    write(store, group(GroupState.SUCCESS))
    assert listening.told.wait(SECONDS)
    assert listening.rests
    assert listening.rest.failed == frozenset()


def test_a_newer_intent_is_work_again(store: Store, listening: Listening) -> None:
    write(store, wanted(), accepted(), group(GroupState.SUCCESS))
    listening.begin()
    assert listening.rests
    write(store, wanted(2))
    assert not listening.rests


def test_what_is_in_quarantine_is_decided_until_it_is_written_anew(
    store: Store, listening: Listening
) -> None:
    revision = write(store, wanted())
    write(store, refused(revision))
    listening.begin()
    assert listening.rests
    write(store, wanted())
    assert not listening.rests


def test_a_removed_intent_is_work_until_its_memo_is_gone(
    store: Store, listening: Listening
) -> None:
    write(store, accepted())
    listening.begin()
    assert not listening.rests
    store.delete(keys.memo(PATH))
    assert listening.told.wait(SECONDS)
    assert listening.rests


def test_only_what_fails_from_now_on_counts(store: Store, listening: Listening) -> None:
    write(store, wanted(), accepted(), group(GroupState.REVERTED))
    listening.begin()
    assert listening.rest.failed == frozenset()
    write(store, wanted(2), accepted(2), group(GroupState.CANCELLED, 2))
    assert listening.rests
    assert listening.rest.failed == {f"{NETWORK}:2"}


def test_garbage_is_no_work(store: Store, listening: Listening) -> None:
    store.put(keys.group("x"), b"{")
    store.put(f"{keys.CONFIG}{keys.HEAT_TEMPLATE_COLLECTION}/t1", b"[]")
    store.put(f"{keys.CONFIG}nowhere", b"[]")
    listening.begin()
    assert listening.rests
