from __future__ import annotations

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments import delete
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import State
from esi_flows.store.etcd import EtcdStore

NETWORK = ResourceRef("network", "n1")
PORT = ResourceRef("port", "p1")


@pytest.fixture
def written(store: EtcdStore, catalog: Catalog) -> EtcdStore:
    """A store with a network and a port on it."""
    for resource, body in ((NETWORK, {"id": "n1"}), (PORT, {"id": "p1", "network_id": "n1"})):
        store.put(keys.config(catalog.path(resource)), Intent(body, 2).encode())
    return store


def intent(store: EtcdStore, catalog: Catalog, resource: ResourceRef) -> Intent | None:
    key = keys.config(catalog.path(resource))
    found = store.get(key)
    return Intent.decode(key, found.value) if found is not None else None


def serve(store: EtcdStore, catalog: Catalog, resource: ResourceRef, state: State) -> None:
    store.put(keys.state(catalog.path(resource)), state.encode())


def test_marking_makes_a_version_with_the_same_body(written: EtcdStore, catalog: Catalog) -> None:
    assert delete.mark(written, catalog, PORT).version == 3
    assert intent(written, catalog, PORT) == Intent(
        {"id": "p1", "network_id": "n1"}, 3, marked_for_deletion=True
    )


def test_a_mark_is_not_made_twice(written: EtcdStore, catalog: Catalog) -> None:
    assert delete.mark(written, catalog, PORT) == delete.mark(written, catalog, PORT)


def test_a_deletion_that_failed_is_marked_again(written: EtcdStore, catalog: Catalog) -> None:
    marked = delete.mark(written, catalog, PORT)
    serve(written, catalog, PORT, State(marked.version, "DELETE_FAILED", error="in use"))
    assert delete.mark(written, catalog, PORT).version == marked.version + 1


def test_a_resource_in_use_is_refused_and_its_users_named(
    written: EtcdStore, catalog: Catalog
) -> None:
    with pytest.raises(InvalidInput, match="network:n1 is in use") as caught:
        delete.mark(written, catalog, NETWORK)
    assert [str(f) for f in caught.value.findings] == [
        "port:p1: its network_id refers to network:n1"
    ]
    assert intent(written, catalog, NETWORK) == Intent({"id": "n1"}, 2)


def test_force_marks_a_resource_in_use(written: EtcdStore, catalog: Catalog) -> None:
    assert delete.mark(written, catalog, NETWORK, force=True).version == 3


def test_users_that_are_being_deleted_do_not_count(written: EtcdStore, catalog: Catalog) -> None:
    delete.mark(written, catalog, PORT)
    assert delete.mark(written, catalog, NETWORK).version == 3


def test_unreadable_intents_do_not_stop_a_deletion(
    written: EtcdStore, catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    written.put("/config/v2.0/ports/broken", b"{")
    delete.mark(written, catalog, PORT)
    delete.mark(written, catalog, NETWORK)
    assert "unreadable intent passed over" in caplog.text


def test_what_is_not_there_cannot_be_deleted(store: EtcdStore, catalog: Catalog) -> None:
    with pytest.raises(InvalidInput, match="network:n1 is not in the store"):
        delete.mark(store, catalog, NETWORK)


@pytest.mark.parametrize("worker_state", ["DELETE_COMPLETED", "READ_COMPLETE"])
def test_intent_and_state_go_when_the_mark_is_served(
    written: EtcdStore, catalog: Catalog, worker_state: str
) -> None:
    marked = delete.mark(written, catalog, PORT)
    assert not delete.finish(written, catalog, PORT)
    serve(written, catalog, PORT, State(marked.version - 1, worker_state))
    assert not delete.finish(written, catalog, PORT)
    serve(written, catalog, PORT, State(marked.version, worker_state))
    assert delete.finish(written, catalog, PORT)
    path = catalog.path(PORT)
    assert written.get(keys.config(path)) is None
    assert written.get(keys.state(path)) is None
    assert delete.finish(written, catalog, PORT)


def test_a_deletion_that_failed_removes_nothing(written: EtcdStore, catalog: Catalog) -> None:
    marked = delete.mark(written, catalog, PORT)
    serve(written, catalog, PORT, State(marked.version, "DELETE_FAILED", error="in use"))
    assert not delete.finish(written, catalog, PORT)
    assert intent(written, catalog, PORT) is not None


def test_an_unmarked_resource_is_not_removed(written: EtcdStore, catalog: Catalog) -> None:
    serve(written, catalog, PORT, State(2, "READ_COMPLETE"))
    assert not delete.finish(written, catalog, PORT)
