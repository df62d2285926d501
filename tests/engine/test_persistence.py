"""TaskFlow's persistence on etcd, as any TaskFlow program uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from taskflow import engines, states, task
from taskflow import exceptions as tf_exceptions
from taskflow.patterns import linear_flow
from taskflow.persistence import backends, models
from taskflow.persistence.base import Connection
from taskflow.types import failure

from esi_flows.engine.persistence import GROUPS_BOOK, EtcdBackend, ensure_groups_book
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.store.base import Store
from esi_flows.store.embedded import EmbeddedEtcd


@pytest.fixture
def backend(etcd: EmbeddedEtcd, store: Store) -> Iterator[EtcdBackend]:
    opened = backends.fetch({"connection": etcd.endpoint.replace("http://", "etcd://")})
    assert isinstance(opened, EtcdBackend)
    yield opened
    opened.close()


@pytest.fixture
def connection(backend: EtcdBackend) -> Connection:
    return backend.get_connection()


def book_with_flow(atoms: int = 2) -> tuple[models.LogBook, models.FlowDetail]:
    book, flow = models.LogBook("book"), models.FlowDetail("flow", "flow-uuid")
    for number in range(atoms):
        flow.add(models.TaskDetail(f"t{number}", f"atom-{number}"))
    book.add(flow)
    return book, flow


class Count(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    default_provides = "number"

    def execute(self) -> int:
        return 7


def test_a_taskflow_program_runs_on_it(etcd: EmbeddedEtcd, store: Store) -> None:
    endpoint = etcd.endpoint.replace("http://", "etcd://")
    flow = linear_flow.Flow("sum").add(Count())
    engine = engines.load(flow, backend={"connection": endpoint, "path": "/elsewhere"})
    engine.run()
    assert engine.storage.fetch("number") == 7
    assert engine.storage.get_flow_state() == states.SUCCESS
    found = [item.key for item in store.range("/elsewhere/").items]
    assert len([key for key in found if "/atoms/" in key]) == 1
    assert store.range(keys.PERSISTENCE).items == ()
    engine.storage._backend.close()


def test_another_process_goes_on_where_the_first_stopped(etcd: EmbeddedEtcd, store: Store) -> None:
    """Another backend, that is: it knows nothing but what etcd tells."""
    conf = {"connection": etcd.endpoint.replace("http://", "etcd://")}
    first = backends.fetch(conf)
    book, detail = models.LogBook("book"), models.FlowDetail("flow", "uuid-of-flow")
    book.add(detail)
    first.get_connection().save_logbook(book)
    flow = linear_flow.Flow("flow").add(Count())
    engines.load(flow, flow_detail=detail, book=book, backend=first).run()
    first.close()

    second = backends.fetch(conf)
    loaded = second.get_connection().get_logbook(book.uuid)
    again = loaded.find("uuid-of-flow")
    assert again.state == states.SUCCESS
    assert [atom.results for atom in again] == [7]
    second.close()


def test_a_book_is_loaded_as_it_was_saved(connection: Connection) -> None:
    book, flow = book_with_flow()
    book.meta = {"who": "me"}
    flow.meta, flow.state = {"what": [1, 2]}, states.RUNNING
    connection.save_logbook(book)
    loaded = connection.get_logbook(book.uuid)
    assert (loaded.uuid, loaded.name, loaded.meta) == (book.uuid, book.name, book.meta)
    assert loaded.created_at == book.created_at
    (again,) = loaded
    assert again.to_dict() == flow.to_dict()
    assert {atom.name: atom.to_dict() for atom in again} == {
        atom.name: atom.to_dict() for atom in flow
    }
    assert [found.uuid for found in connection.get_logbooks()] == [book.uuid]


def test_lazy_loads_bring_no_parts(connection: Connection) -> None:
    book, flow = book_with_flow()
    connection.save_logbook(book)
    assert len(connection.get_logbook(book.uuid, lazy=True)) == 0
    assert len(connection.get_flow_details(flow.uuid, lazy=True)) == 0
    assert [len(found) for found in connection.get_flows_for_book(book.uuid, lazy=True)] == [0]
    assert len(list(connection.get_atoms_for_flow(flow.uuid))) == 2


def test_parts_are_updated_alone(connection: Connection, backend: EtcdBackend) -> None:
    book, flow = book_with_flow()
    connection.save_logbook(book)
    atom = flow.find("atom-1")
    atom.state, atom.results = states.SUCCESS, {"deep": [1]}
    connection.update_atom_details(atom)
    flow.state = states.SUSPENDED
    connection.update_flow_details(flow)
    assert connection.get_atom_details("atom-1").results == {"deep": [1]}
    assert connection.get_atom_details("atom-0").state == flow.find("atom-0").state
    assert connection.get_flow_details(flow.uuid).state == states.SUSPENDED


def test_an_atom_is_found_by_a_process_that_never_met_it(
    connection: Connection, etcd: EmbeddedEtcd
) -> None:
    book, _ = book_with_flow()
    connection.save_logbook(book)
    other = EtcdBackend({"connection": etcd.endpoint})
    assert other.get_connection().get_atom_details("atom-1").name == "t1"
    other.close()


def test_a_failure_survives_without_its_arguments(connection: Connection) -> None:
    book, flow = book_with_flow()
    atom = flow.find("atom-0")
    try:
        raise ValueError(object())
    except ValueError:
        atom.put(states.FAILURE, failure.Failure())
    connection.save_logbook(book)
    loaded = connection.get_atom_details("atom-0")
    assert loaded.failure.check(ValueError)
    assert "object" in loaded.failure.exception_str


def test_destroying_a_book_leaves_nothing_of_it(connection: Connection, store: Store) -> None:
    book, _ = book_with_flow()
    connection.save_logbook(book)
    other = models.LogBook("other")
    connection.save_logbook(other)
    connection.destroy_logbook(book.uuid)
    assert [found.uuid for found in connection.get_logbooks()] == [other.uuid]
    connection.destroy_logbook(other.uuid)
    assert store.range(keys.PERSISTENCE).items == ()


def test_what_was_destroyed_can_be_saved_again_in_full(connection: Connection) -> None:
    book, flow = book_with_flow()
    connection.save_logbook(book)
    connection.destroy_logbook(book.uuid)
    connection.save_logbook(book)
    assert len(connection.get_flow_details(flow.uuid)) == 2


def test_what_is_not_there_is_not_found(connection: Connection) -> None:
    for call in (
        connection.get_logbook,
        connection.destroy_logbook,
        connection.get_flow_details,
        connection.get_atom_details,
    ):
        with pytest.raises(tf_exceptions.NotFound):
            call("nowhere")
    with pytest.raises(tf_exceptions.NotFound):
        connection.update_atom_details(models.TaskDetail("t", "nowhere"))


def test_clearing_removes_everything_below_the_path(connection: Connection, store: Store) -> None:
    store.put("/kept", b"")
    book, _ = book_with_flow()
    connection.save_logbook(book)
    connection.clear_all()
    assert [item.key for item in store.range("/").items] == ["/kept"]
    assert list(connection.get_logbooks()) == []


def test_validate_asks_etcd(connection: Connection) -> None:
    connection.upgrade()
    connection.validate()


def test_what_was_never_saved_is_kept_by_itself_where_it_may_be_missing(
    connection: Connection, store: Store
) -> None:
    flow, atom = models.FlowDetail("flow", "f"), models.TaskDetail("t", "a")
    flow.add(models.TaskDetail("u", "b"))
    for save, detail in (
        (connection.update_flow_details, flow),
        (connection.update_atom_details, atom),
    ):
        with pytest.raises(tf_exceptions.NotFound):
            save(detail)
        save(detail, ignore_missing=True)
        save(detail)
    other = EtcdBackend({}, store=store).get_connection()
    assert [found.name for found in other.get_flow_details("f")] == ["u"]
    assert other.get_atom_details("a").name == "t"


def test_the_flows_of_an_unknown_book_are_not_found(connection: Connection) -> None:
    with pytest.raises(tf_exceptions.NotFound):
        list(connection.get_flows_for_book("nowhere"))
    empty = models.LogBook("empty")
    connection.save_logbook(empty)
    assert list(connection.get_flows_for_book(empty.uuid)) == []


def test_loading_a_book_does_not_change_it(connection: Connection) -> None:
    book, _ = book_with_flow()
    connection.save_logbook(book)
    assert connection.get_logbook(book.uuid).updated_at == book.updated_at


def test_a_key_is_no_place_for_a_slash(connection: Connection, store: Store) -> None:
    for book_uuid, flow_uuid, atom_uuid in (("a/b", "f", "t"), ("b", "f/g", "t"), ("b", "f", "/")):
        book, flow = models.LogBook("b", uuid=book_uuid), models.FlowDetail("f", flow_uuid)
        flow.add(models.TaskDetail("t", atom_uuid))
        book.add(flow)
        with pytest.raises(InvalidInput, match="cannot be part of a key"):
            connection.save_logbook(book)
    with pytest.raises(InvalidInput):
        connection.save_logbook(models.LogBook("empty", uuid="a/b"))
    assert store.range(keys.PERSISTENCE).items == ()


def test_where_etcd_is_away_taskflow_is_told_that_it_may_try_again(
    connection: Connection, backend: EtcdBackend
) -> None:
    book, flow = book_with_flow()
    connection.save_logbook(book)
    backend.close()
    for call in (
        connection.validate,
        connection.clear_all,
        lambda: connection.get_logbook(book.uuid),
        lambda: list(connection.get_logbooks()),
        lambda: connection.save_logbook(book),
        lambda: connection.update_flow_details(flow),
        lambda: connection.destroy_logbook(book.uuid),
    ):
        with pytest.raises(tf_exceptions.StorageFailure):
            call()


def test_the_book_of_all_groups_is_written_once(store: Store) -> None:
    ensure_groups_book(store)
    before = store.range(keys.PERSISTENCE)
    ensure_groups_book(store)
    assert store.range(keys.PERSISTENCE) == before
    [book] = EtcdBackend({}, store=store).get_connection().get_logbooks()
    assert (book.uuid, book.name) == (GROUPS_BOOK, "job groups")


def test_lazily_only_atoms_that_something_has_happened_to_are_saved(store: Store) -> None:
    connection = EtcdBackend({}, store=store, lazy_atoms=True).get_connection()
    book, flow = book_with_flow(3)
    flow.find("atom-1").state = states.RUNNING
    connection.save_logbook(book)
    loaded = EtcdBackend({}, store=store).get_connection()
    assert [atom.name for atom in loaded.get_flow_details(flow.uuid)] == ["t1"]
    connection.update_atom_details(flow.find("atom-2"))
    assert [atom.name for atom in loaded.get_flow_details(flow.uuid)] == ["t1", "t2"]
