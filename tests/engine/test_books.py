"""Programs without claims: few transactions, none into a book that is gone, none too late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from taskflow import engines, exceptions, states, storage, task
from taskflow.patterns import linear_flow
from taskflow.persistence import models

from esi_flows.engine import books
from esi_flows.engine.connection import MAX_RECORD_BYTES
from esi_flows.engine.persistence import EtcdBackend
from esi_flows.model.errors import TooLarge
from esi_flows.store.base import Put, Store
from esi_flows.store.faults import Choose, Fault, FaultyStore

ROOT = "/books"


class Counted(FaultyStore):
    """A store that tells what was asked of it."""

    def __init__(self, store: Store, choose: Choose = lambda method, arguments: None) -> None:
        super().__init__(store, self._note)
        self.hits: Choose = choose
        self.asked: list[str] = []
        self.written: list[str] = []

    def _note(self, method: str, arguments: Sequence[Any]) -> Fault | None:
        self.asked.append(method)
        if method == "txn":
            self.written += [op.key for op in arguments[1] if isinstance(op, Put)]
        return self.hits(method, arguments)


def on(store: Any) -> Any:
    return EtcdBackend({"path": ROOT}, store=store).get_connection()


def shop(atoms: int) -> tuple[models.LogBook, models.FlowDetail]:
    book, flow = models.LogBook("shop", uuid="b"), models.FlowDetail("f", "f")
    for number in range(atoms):
        flow.add(models.TaskDetail(f"t{number}", f"a{number}"))
    book.add(flow)
    return book, flow


def once(fault: Fault) -> Choose:
    left = [fault]
    return lambda method, arguments: left.pop() if method == "txn" and left else None


def test_many_atoms_go_out_in_few_transactions_and_the_index_comes_last(store: Store) -> None:
    counted = Counted(store)
    book, _ = shop(5000)
    on(counted).save_logbook(book)
    assert counted.asked.count("txn") == 51
    assert counted.written[-2:] == [f"{ROOT}/flows/b/f/flow", f"{ROOT}/books/b"]
    assert len(on(store).get_flow_details("f")) == 5000


def test_large_records_share_no_transaction_that_would_be_too_large(store: Store) -> None:
    book, flow = shop(4)
    for atom in flow:
        atom.put(states.SUCCESS, "x" * 1_000_000)
    counted = Counted(store)
    on(counted).save_logbook(book)
    assert counted.asked.count("txn") == 4
    assert [len(atom.results) for atom in on(store).get_flow_details("f")] == [1_000_000] * 4


@pytest.mark.parametrize("after", range(3))
def test_a_book_of_which_a_part_was_saved_is_not_there_yet(store: Store, after: int) -> None:
    """Killed between two transactions: others see nothing of it, and it can be saved again."""
    counted = Counted(store)
    counted.hits = lambda method, arguments: (
        Fault.ERROR if counted.asked.count("txn") > after else None
    )
    connection = on(counted)
    book, _ = shop(250)
    with pytest.raises(exceptions.StorageFailure):
        connection.save_logbook(book)
    assert list(on(store).get_logbooks()) == []
    with pytest.raises(exceptions.NotFound):
        on(store).get_flow_details("f")
    on(store).save_logbook(book)
    assert len(on(store).get_flow_details("f")) == 250


def test_only_what_has_changed_is_written(store: Store) -> None:
    counted = Counted(store)
    connection = on(counted)
    book, flow = shop(20)
    connection.save_logbook(book)
    counted.written.clear()
    flow.find("a3").state = flow.state = states.RUNNING
    connection.update_flow_details(flow)
    assert counted.written == [f"{ROOT}/flows/b/f/atoms/a3", f"{ROOT}/flows/b/f/flow"]


def test_a_record_over_etcds_limit_is_refused_before_anything_is_written(store: Store) -> None:
    connection = on(store)
    book, flow = shop(3)
    connection.save_logbook(book)
    before = store.range(f"{ROOT}/")
    flow.find("a0").state = states.RUNNING
    flow.find("a2").put(states.SUCCESS, "x" * MAX_RECORD_BYTES)
    for save in (connection.update_flow_details, lambda f: connection.save_logbook(book)):
        with pytest.raises(TooLarge, match=r"atom 't2' is 15.* bytes") as refused:
            save(flow)
        assert "where it is" in refused.value.hint
    assert store.range(f"{ROOT}/").items == before.items


def test_nothing_is_written_into_a_book_that_another_process_has_destroyed(store: Store) -> None:
    connection = on(store)
    book, flow = shop(2)
    connection.save_logbook(book)
    on(store).destroy_logbook("b")
    for detail in (flow, flow.find("a1")):
        detail.state = states.RUNNING
        update = "update_flow_details" if detail is flow else "update_atom_details"
        with pytest.raises(exceptions.NotFound):
            getattr(connection, update)(detail)
    assert store.range(f"{ROOT}/").items == ()
    connection.save_logbook(book)
    assert len(on(store).get_flow_details("f")) == 2


def test_a_book_that_was_destroyed_and_made_anew_is_saved_in_full(store: Store) -> None:
    connection = on(store)
    book, flow = shop(2)
    connection.save_logbook(book)
    other = on(store)
    other.destroy_logbook("b")
    other.save_logbook(models.LogBook("shop", uuid="b"))
    with pytest.raises(exceptions.NotFound):
        connection.update_flow_details(flow)
    connection.save_logbook(book)
    assert len(on(store).get_flow_details("f")) == 2


def test_of_two_processes_that_save_the_same_book_both_are_heard(store: Store) -> None:
    first, second = on(store), on(store)
    book, _ = shop(1)
    first.save_logbook(book)
    other = models.LogBook("shop", uuid="b")
    other.add(models.FlowDetail("g", "g"))
    second.save_logbook(other)
    first.save_logbook(book)
    assert {flow.uuid for flow in on(store).get_logbook("b")} == {"f", "g"}


@pytest.mark.parametrize("fault", Fault)
def test_a_write_that_was_not_confirmed_is_tried_again_by_who_saves(
    store: Store, fault: Fault
) -> None:
    counted = Counted(store)
    connection = on(counted)
    book, flow = shop(1)
    connection.save_logbook(book)
    atom = flow.find("a0")
    atom.state = states.RUNNING
    counted.hits = once(fault)
    with pytest.raises(exceptions.StorageFailure):
        connection.update_atom_details(atom)
    connection.update_atom_details(atom)
    atom.state = states.SUCCESS
    connection.update_atom_details(atom)
    counted.deliver()
    assert on(store).get_atom_details("a0").state == states.SUCCESS


def test_a_stock_engine_gets_over_a_lost_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Count(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
        def execute(self) -> int:
            return 7

    for save in (storage.Storage._save_atom_detail, storage.Storage._save_flow_detail):
        monkeypatch.setattr(save.retry, "sleep", lambda seconds: None)
    backend = EtcdBackend({"path": ROOT}, store=Counted(store, once(Fault.LOST_REPLY)))
    book, flow = shop(0)
    on(store).save_logbook(book)
    loaded = backend.get_connection().get_flow_details(flow.uuid)
    engine = engines.load(
        linear_flow.Flow("f").add(Count("t")), flow_detail=loaded, book=book, backend=backend
    )
    engine.run()
    assert [atom.results for atom in on(store).get_flow_details("f")] == [7]


def test_no_more_is_kept_in_mind_than_of_some_books(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "MAX_BOOKS", 2)
    connection = on(store)
    for number in range(5):
        connection.save_logbook(models.LogBook("b", uuid=f"b{number}"))
    assert len(connection._books._books) == 2
    first = models.LogBook("again", uuid="b0")
    connection.save_logbook(first)
    assert on(store).get_logbook("b0").name == "again"
