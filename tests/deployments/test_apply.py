from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.apply import Applied, Applier
from esi_flows.deployments.batches import INTENTS_PER_TXN
from esi_flows.deployments.loader import load_deployment
from esi_flows.model import codec, keys
from esi_flows.model.errors import Indeterminate, InvalidInput
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.model.results import State
from esi_flows.store.base import Compare, Op, Txn
from esi_flows.store.etcd import EtcdStore

Write = Callable[[Mapping[str, str]], Path]

NETWORK = ResourceRef("network", "n1")
PORT = ResourceRef("port", "p1")

CREATE = """
type: port
id: p1
body: {network_id: n1, attached: false}
---
type: network
id: n1
body: {name: blue}
"""
ATTACH = """
type: port
id: p1
body: {network_id: n1, attached: true}
"""
TWO_STEPS = {"10-create/a.yaml": CREATE, "20-attach/a.yaml": ATTACH}


class World:
    """A store, and what conductors and others would write to it."""

    def __init__(self, store: EtcdStore, catalog: Catalog) -> None:
        self.store = store
        self.catalog = catalog

    def applier(self, folder: Path) -> Applier:
        return Applier(self.store, self.catalog, load_deployment(folder, self.catalog))

    def apply(self, folder: Path) -> list[dict[str, str]]:
        return [said(applied) for applied in self.applier(folder).apply_ready()]

    def intent(self, resource: ResourceRef) -> Intent | None:
        key = keys.config(self.catalog.path(resource))
        found = self.store.get(key)
        return Intent.decode(key, found.value) if found is not None else None

    def write(self, resource: ResourceRef, intent: Intent) -> None:
        self.store.put(keys.config(self.catalog.path(resource)), intent.encode())

    def end(self, *resources: ResourceRef, error: str = "") -> None:
        """Every current version has its result, as a conductor writes it."""
        for resource in resources:
            intent = self.intent(resource)
            assert intent is not None
            word = "CREATE_FAILED" if error else "CREATE_COMPLETED"
            state = State(version=intent.version, worker_state=word, error=error)
            path = self.catalog.path(resource)
            self.store.put(keys.memo(path), Memo.of(intent).encode())
            self.store.put(keys.state(path), state.encode())

    def versions(self) -> dict[str, int]:
        items = self.store.range(keys.CONFIG).items
        return {i.key.rpartition("/")[2]: Intent.decode(i.key, i.value).version for i in items}


def said(applied: Applied) -> dict[str, str]:
    return {str(d.wanted.resource): f"{d.change.value} {d.version}" for d in applied.decisions}


@pytest.fixture
def world(store: EtcdStore, catalog: Catalog) -> World:
    return World(store, catalog)


def test_new_resources_are_written_in_version_1_in_reference_order(
    world: World, write: Write
) -> None:
    folder = write({"a.yaml": CREATE})
    assert world.apply(folder) == [{"network:n1": "create 1", "port:p1": "create 1"}]
    network, port = (world.store.get(keys.config(world.catalog.path(r))) for r in (NETWORK, PORT))
    assert network is not None
    assert port is not None
    assert network.mod_revision < port.mod_revision
    assert codec.loads("", port.value) == {
        "body": {"id": "p1", "network_id": "n1", "attached": False},
        "marked_for_deletion": False,
        "version": 1,
    }


def test_a_version_remembered_from_an_earlier_life_is_not_used_again(
    world: World, write: Write
) -> None:
    path = world.catalog.path(NETWORK)
    world.store.put(keys.memo(path), Memo({}, 4, deleted=True).encode())
    world.apply(write({"a.yaml": CREATE}))
    assert world.versions() == {"n1": 5, "p1": 1}


def test_the_next_step_waits_for_the_results_of_the_one_before(world: World, write: Write) -> None:
    folder = write(TWO_STEPS)
    assert len(world.apply(folder)) == 1
    assert world.apply(folder) == [{"network:n1": "in flight 1", "port:p1": "in flight 1"}]
    world.end(NETWORK)
    assert world.apply(folder) == [{"network:n1": "unchanged 1", "port:p1": "in flight 1"}]
    world.end(PORT)
    assert world.apply(folder)[1] == {"port:p1": "update 2"}
    assert world.versions() == {"n1": 1, "p1": 2}


def test_a_finished_deployment_has_nothing_to_do(world: World, write: Write) -> None:
    folder = write(TWO_STEPS)
    for _ in range(2):
        world.apply(folder)
        world.end(NETWORK, PORT)
    before = world.store.range("/").revision
    assert world.apply(folder) == [
        {"network:n1": "unchanged 1", "port:p1": "unchanged 2"},
        {"port:p1": "unchanged 2"},
    ]
    assert world.store.range("/").revision == before


def test_a_body_of_somebody_else_goes_straight_to_the_last_one(world: World, write: Write) -> None:
    world.write(NETWORK, Intent({"id": "n1"}, 1))
    world.write(PORT, Intent({"id": "p1", "name": "old"}, 7))
    world.end(NETWORK, PORT)
    first = world.apply(write(TWO_STEPS))[0]
    assert first["port:p1"] == "update 8"
    intent = world.intent(PORT)
    assert intent is not None
    assert intent.body["attached"] is True


def test_the_last_body_comes_later_where_it_needs_what_a_later_step_brings(
    world: World, write: Write
) -> None:
    attach = ATTACH.replace("attached: true", "peer_ids: [p2]")
    folder = write(
        {
            "10/a.yaml": CREATE,
            "20/a.yaml": f"{attach}---\ntype: port\nid: p2\nbody: {{network_id: n1}}\n",
        }
    )
    world.write(PORT, Intent({"id": "p1", "name": "old"}, 7))
    world.end(PORT)
    assert world.apply(folder)[0]["port:p1"] == "later 0"
    world.end(NETWORK)
    assert world.apply(folder)[1] == {"port:p2": "create 1", "port:p1": "update 8"}


def test_a_body_that_occurs_twice_in_a_chain_is_still_applied_in_order(
    world: World, write: Write
) -> None:
    folder = write({**TWO_STEPS, "30-detach/a.yaml": ATTACH.replace("true", "false")})
    applier = world.applier(folder)
    for step in range(3):
        assert applier.apply_step(step).written
        world.end(NETWORK, PORT)
    assert world.versions() == {"n1": 1, "p1": 3}


def test_what_failed_is_written_again_and_the_rest_is_left(world: World, write: Write) -> None:
    folder = write({"a.yaml": CREATE})
    world.apply(folder)
    world.end(NETWORK)
    world.end(PORT, error="quota")
    assert world.apply(folder) == [{"network:n1": "unchanged 1", "port:p1": "retry 2"}]
    assert world.apply(folder) == [{"network:n1": "unchanged 1", "port:p1": "in flight 2"}]


def test_a_group_that_ended_badly_counts_as_failed_without_a_state(
    world: World, write: Write
) -> None:
    folder = write({"a.yaml": CREATE})
    world.apply(folder)
    record = GroupRecord(
        name="network:n1:1",
        action=Action.CREATE,
        resource=NETWORK,
        version=1,
        job_ids=(),
        state=GroupState.CANCELLED,
    )
    world.store.put(keys.group(record.name), record.encode())
    assert world.apply(folder)[0]["network:n1"] == "retry 2"


def test_an_intent_in_quarantine_is_written_again(world: World, write: Write) -> None:
    folder = write({"a.yaml": CREATE})
    world.apply(folder)
    config = keys.config(world.catalog.path(NETWORK))
    world.store.put(keys.quarantine(config), b'{"reason": "no template"}')
    assert world.apply(folder)[0]["network:n1"] == "retry 2"
    # the quarantine is now about an older version
    assert world.apply(folder)[0]["network:n1"] == "in flight 2"


def test_relations_may_lead_to_resources_that_are_in_the_store(world: World, write: Write) -> None:
    world.write(NETWORK, Intent({"id": "n1"}, 3))
    world.applier(write({"a.yaml": ATTACH})).check()


def test_relations_that_lead_nowhere_are_all_found_and_nothing_is_written(
    world: World, write: Write
) -> None:
    folder = write(
        {
            "10/a.yaml": CREATE.replace("network_id: n1", "network_id: n1x, peer_ids: [p2]"),
            "20/b.yaml": "type: port\nid: p2\nbody: {network_id: zzz}\n",
        }
    )
    with pytest.raises(InvalidInput) as caught:
        world.applier(folder).check()
    assert [str(f).replace(str(folder), "D") for f in caught.value.findings] == [
        "D/10/a.yaml:2: port:p1: network_id refers to network:n1x, which is neither in the"
        " deployment nor in the store (did you mean 'n1'?)",
        "D/10/a.yaml:2: port:p1: peer_ids refers to port:p2, which is neither in the"
        " deployment nor in the store (only the later step 20 brings it)",
        "D/20/b.yaml:1: port:p2: network_id refers to network:zzz, which is neither in the"
        " deployment nor in the store",
    ]
    assert world.versions() == {}


def test_resources_that_are_being_deleted_are_neither_written_nor_referred_to(
    world: World, write: Write
) -> None:
    world.write(NETWORK, Intent({"id": "n1"}, 3, marked_for_deletion=True))
    with pytest.raises(InvalidInput, match="does not fit") as caught:
        world.applier(write({"a.yaml": ATTACH})).check()
    assert "refers to network:n1, which is being deleted" in str(caught.value.findings[0])
    with pytest.raises(InvalidInput) as caught:
        world.applier(write({"a.yaml": CREATE})).check()
    assert "network:n1 is being deleted (version 3)" in str(caught.value.findings[0])


def test_a_deletion_that_failed_can_be_taken_back(world: World, write: Write) -> None:
    world.write(NETWORK, Intent({"id": "n1", "name": "blue"}, 3, marked_for_deletion=True))
    world.end(NETWORK, error="stack is in use")
    applier = world.applier(write({"a.yaml": CREATE}))
    applier.check()
    assert said(applier.apply_step(0))["network:n1"] == "update 4"
    assert world.intent(NETWORK) == Intent({"id": "n1", "name": "blue"}, 4)


def test_many_intents_are_written_in_few_transactions(world: World, write: Write) -> None:
    count = 3 * INTENTS_PER_TXN
    text = "---\n".join(f"type: network\nid: n{n}\nbody: {{}}\n" for n in range(count))
    before = world.store.range("/").revision
    world.apply(write({"a.yaml": text}))
    assert world.store.range("/").revision - before == 3
    assert set(world.versions().values()) == {1}
    assert len(world.versions()) == count


class Interposed:
    """A real store on which something happens just before or after a transaction."""

    def __init__(
        self, store: EtcdStore, *, before: Sequence[Callable[[], Any]] = (), lose: int = 0
    ) -> None:
        self._store = store
        self._before = list(before)
        self._lose = lose

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        if self._before:
            self._before.pop(0)()
        answer = self._store.txn(compares, ops)
        if self._lose:
            self._lose -= 1
            raise Indeterminate("the connection broke after the request was sent")
        return answer


def test_a_lost_compare_is_read_and_decided_again(world: World, write: Write) -> None:
    deployment = load_deployment(write({"a.yaml": CREATE}), world.catalog)
    other = Intent({"id": "n1", "name": "red"}, 5)
    store = Interposed(world.store, before=[lambda: world.write(NETWORK, other)])
    applied = Applier(store, world.catalog, deployment).apply_step(0)
    assert said(applied) == {"network:n1": "update 6", "port:p1": "create 1"}
    assert world.intent(NETWORK) == Intent({"id": "n1", "name": "blue"}, 6)


def test_a_write_whose_reply_was_lost_is_not_made_twice(world: World, write: Write) -> None:
    deployment = load_deployment(write({"a.yaml": CREATE}), world.catalog)
    applied = Applier(Interposed(world.store, lose=1), world.catalog, deployment).apply_step(0)
    assert said(applied) == {"network:n1": "in flight 1", "port:p1": "create 1"}
    assert world.versions() == {"n1": 1, "p1": 1}


def test_a_target_that_goes_away_between_check_and_write_stops_it(
    world: World, write: Write
) -> None:
    world.write(NETWORK, Intent({"id": "n1"}, 1))
    deployment = load_deployment(write({"a.yaml": ATTACH}), world.catalog)
    config = keys.config(world.catalog.path(NETWORK))
    store = Interposed(world.store, before=[lambda: world.store.delete(config)])
    applier = Applier(store, world.catalog, deployment)
    applier.check()
    with pytest.raises(InvalidInput, match="network:n1 was removed"):
        applier.apply_step(0)
    assert world.versions() == {}


def test_two_of_us_at_once_write_every_version_once(world: World, write: Write) -> None:
    text = "---\n".join(f"type: network\nid: n{n}\nbody: {{}}\n" for n in range(200))
    deployment = load_deployment(write({"a.yaml": text}), world.catalog)
    written: list[int] = []

    def apply() -> None:
        applied = Applier(world.store, world.catalog, deployment).apply_step(0)
        written.append(len(applied.written))

    threads = [threading.Thread(target=apply) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(written) == 200
    assert set(world.versions().values()) == {1}
