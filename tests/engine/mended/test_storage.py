"""What is saved, how often, and that it is enough to go on from, on a real etcd."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from taskflow import exceptions as tf_exceptions
from taskflow import states, task
from taskflow.persistence import models
from taskflow.persistence.backends import impl_memory

from esi_flows.engine.mended.engine import ENDED, DurableEngine
from esi_flows.engine.mended.flow import graph_of
from esi_flows.engine.mended.storage import PlainStorage
from esi_flows.engine.persistence import EtcdBackend
from esi_flows.store.base import DeletePrefix, Store
from tests.engine.mended.plans import Plan, check_order
from tests.engine.mended.running import FLOW, STOCK, ScriptedExecutor, Trial

DIAMOND = Plan(
    size=5, edges=frozenset({(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)}), fails=frozenset({3})
)


class Quiet(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    """Brings its name, or fails."""

    def execute(self) -> str:
        if self.name.startswith("bad"):
            raise ValueError(self.name)
        return str(self.name)


@pytest.fixture
def backend(store: Store) -> EtcdBackend:
    return EtcdBackend({}, store=store, lazy_atoms=True)


def chain_on(backend: Any, *names: str, kind: Any = DurableEngine) -> Any:
    detail, book = models.FlowDetail("flow", FLOW), models.LogBook("book")
    book.add(detail)
    backend.get_connection().save_logbook(book)
    tasks = [Quiet(name) for name in names]
    flow = graph_of("flow", tasks, itertools.pairwise(tasks))
    return kind(flow, detail, backend, {"executor": ScriptedExecutor((0,))})


def writes(store: Store, engine: Any) -> int:
    """How many writes a run makes that are each made at once."""
    before = store.range("/nothing/").revision
    try:
        engine.run()
    except ValueError:
        assert engine.storage.get_flow_state() == states.REVERTED
    return store.range("/nothing/").revision - before


def stored_atoms(backend: EtcdBackend) -> dict[str, models.AtomDetail]:
    return {atom.name: atom for atom in backend.get_connection().get_flow_details(FLOW)}


def test_each_change_is_one_write(store: Store, backend: EtcdBackend) -> None:
    """The flow as RUNNING and as SUCCESS; each task as RUNNING and as SUCCESS.

    TaskFlow's own classes write the flow with its tasks as PENDING before, and the progress that
    goes with a state once more, unless it was so already.
    """
    assert writes(store, chain_on(backend, "a", "b", "c")) == 2 + 3 * 2
    store.txn([], [DeletePrefix("/")])
    eager = EtcdBackend({}, store=store)
    assert writes(store, chain_on(eager, "a", "b", "c", kind=STOCK)) == 3 + 3 * 4


def test_turning_round_is_no_write_of_its_own(store: Store, backend: EtcdBackend) -> None:
    """Two for the flow; RUNNING, its end, REVERTING and REVERTED for each task that ran."""
    engine = chain_on(backend, "a", "b", "bad", "d", "e", "f")
    assert writes(store, engine) == 2 + 3 * 4
    assert sorted(stored_atoms(backend)) == ["a", "b", "bad"]


@pytest.mark.parametrize("until", range(19))
def test_killed_in_any_state_another_process_ends_it(
    backend: EtcdBackend, store: Store, until: int
) -> None:
    first = Trial(DurableEngine, DIAMOND, backend=backend)
    before = first.run(until=until)
    found = first.kill()
    assert before.flow_state not in ENDED
    # written by the one that went on when it was let go of
    store.txn([], [DeletePrefix("/")])
    second = Trial(
        DurableEngine,
        DIAMOND,
        detail=found,
        backend=EtcdBackend({}, store=store, lazy_atoms=True),
    )
    after = second.run()
    assert after.flow_state == states.REVERTED
    ends = {name: atom[0] for name, atom in after.atoms.items()}
    assert ends == {**dict.fromkeys(("t0", "t1", "t2", "t3"), states.REVERTED), "t4": "PENDING"}
    check_order(DIAMOND, [*before.log, *after.log])
    assert "t4" not in stored_atoms(second.backend)


def test_atoms_have_the_same_uuids_in_every_process() -> None:
    def uuids() -> dict[str, str]:
        trial = Trial(DurableEngine, DIAMOND)
        trial.run()
        return {atom.name: atom.uuid for atom in trial.load()}

    assert uuids() == uuids()
    assert len(set(uuids().values())) == DIAMOND.size


def test_tasks_not_known_yet_belong_to_a_flow_that_is_being_reverted() -> None:
    detail = models.FlowDetail("flow", FLOW)
    reverting = models.TaskDetail("a", "uuid")
    reverting.state = states.REVERTING
    detail.add(reverting)
    storage = PlainStorage(detail)
    storage.ensure_atoms([Quiet("a"), Quiet("b")])
    assert {atom.name: atom.intention for atom in detail} == {"a": "REVERT", "b": "REVERT"}


class AwayBackend(impl_memory.MemoryBackend):  # type: ignore[misc]  # TaskFlow is untyped
    """TaskFlow's memory backend, whose connection fails to save atoms, and counts that."""

    tried = 0

    def get_connection(self) -> Any:
        connection = super().get_connection()
        connection.update_atom_details = self._fail
        return connection

    def _fail(self, *given: Any, **named: Any) -> Any:
        self.tried += 1
        raise tf_exceptions.StorageFailure("the store is away")


@pytest.mark.timeout(5)
def test_a_save_that_fails_is_not_tried_again() -> None:
    """TaskFlow's storage tries for 10 s, while it holds its lock."""
    backend = AwayBackend({})
    engine = chain_on(backend, "a")
    with pytest.raises(tf_exceptions.StorageFailure):
        engine.run()
    assert backend.tried == 1
    assert engine.storage.get_flow_state() == states.RUNNING


def test_progress_is_saved_when_it_is_news(store: Store, backend: EtcdBackend) -> None:
    storage = prepared(backend, "a")
    before = store.range("/nothing/").revision
    storage.set_task_progress("a", 0.5)
    storage.set_task_progress("a", 0.5)
    storage.set_task_progress("a", 0.5, {"of": "it"})
    assert store.range("/nothing/").revision - before == 2
    assert stored_atoms(backend)["a"].meta["progress"] == 0.5
    assert storage.get_task_progress_details("a")["details"] == {"of": "it"}


def prepared(backend: Any, *names: str) -> PlainStorage:
    engine = chain_on(backend, *names)
    engine.compile()
    engine.prepare()
    storage: PlainStorage = engine.storage
    return storage


def test_unknown_names_are_not_found() -> None:
    storage = prepared(impl_memory.MemoryBackend({}), "a")
    for ask in (
        storage.get_atom_state,
        storage.get_atom_intention,
        storage.get_atom_uuid,
        storage.get_execute_result,
        lambda name: storage.get_atoms_states([name]),
        lambda name: storage.set_atom_state(name, states.RUNNING),
        lambda name: storage.save(name, 1),
        lambda name: storage.set_task_progress(name, 1.0),
    ):
        with pytest.raises(tf_exceptions.NotFound, match="nobody"):
            ask("nobody")


def test_a_record_of_another_kind_is_refused() -> None:
    detail = models.FlowDetail("flow", FLOW)
    detail.add(models.RetryDetail("a", "uuid"))
    with pytest.raises(tf_exceptions.Duplicate):
        PlainStorage(detail).ensure_atoms([Quiet("a")])


def test_injected_values_are_found_again(backend: EtcdBackend) -> None:
    storage = prepared(backend, "a")
    storage.inject({"what": 1})
    storage.update_atom_metadata("a", {"more": 2})
    detail = backend.get_connection().get_flow_details(FLOW)
    again = PlainStorage(detail, backend=backend)
    assert again.fetch("what") == 1
    assert {atom.name: atom.meta for atom in detail}["a"] == {"more": 2}
