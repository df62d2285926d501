from __future__ import annotations

import threading

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import State
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import Cli

NETWORK = ResourceRef("network", "n1")
SUBNET = ResourceRef("subnet", "s1")


@pytest.fixture
def filled(store: EtcdStore, catalog: Catalog) -> EtcdStore:
    for resource in (NETWORK, SUBNET):
        body = {"id": resource.id, "network_id": "n1"}
        store.put(keys.config(catalog.path(resource)), Intent(body, 1).encode())
    return store


class Conductor:
    """Serves the mark of the subnet as soon as it sees it, as a conductor does."""

    def __init__(self, store: EtcdStore, catalog: Catalog, state: State) -> None:
        self._store = store
        self._path = catalog.path(SUBNET)
        self._state = state
        store.put(keys.conductor("c1"), b"{}")
        start = store.range("/").revision + 1
        self._watch = store.watch(keys.CONFIG, start_revision=start)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for batch in self._watch:
            if any(event.key == keys.config(self._path) and event.value for event in batch.events):
                self._store.put(keys.state(self._path), self._state.encode())
                return

    def join(self) -> None:
        self._thread.join(10)
        self._watch.cancel()


def test_it_marks_and_says_that_nobody_is_there_to_delete(filled: EtcdStore, cli: Cli) -> None:
    result = cli("delete", "subnet:s1")
    assert result.code == 1
    assert result.out == "subnet:s1 is marked for deletion (version 2).\n"
    assert result.err.startswith("error: no conductor is live to delete it\nnext: start ")


def test_what_others_refer_to_is_refused_and_they_are_named(filled: EtcdStore, cli: Cli) -> None:
    result = cli("delete", NETWORK)
    assert result.code == 1
    assert result.err == (
        "error: network:n1 is in use\n"
        "  subnet:s1: its network_id refers to network:n1\n"
        "next: delete those first, or use --force\n"
    )


def test_it_waits_until_all_is_gone(filled: EtcdStore, catalog: Catalog, cli: Cli) -> None:
    conductor = Conductor(filled, catalog, State(version=2, worker_state="DELETE_COMPLETED"))
    result = cli("delete", "s1", "--wait")
    conductor.join()
    assert result.code == 0
    assert result.out.splitlines()[-1] == "subnet:s1 is deleted."
    for key in (keys.config(catalog.path(SUBNET)), keys.state(catalog.path(SUBNET))):
        assert filled.get(key) is None


def test_a_deletion_that_fails_is_told_with_its_cause(
    filled: EtcdStore, catalog: Catalog, cli: Cli
) -> None:
    failed = State(version=2, worker_state="DELETE_FAILED", error="stack is locked")
    conductor = Conductor(filled, catalog, failed)
    result = cli("delete", SUBNET, "--wait")
    conductor.join()
    assert result.code == 2
    assert result.err.startswith(
        "error: subnet:s1: stack is locked\nnext: esi-flows status subnet:"
    )
    assert filled.get(keys.config(catalog.path(SUBNET))) is not None


def test_typed_again_after_it_is_served_it_removes_the_documents(
    filled: EtcdStore, catalog: Catalog, cli: Cli
) -> None:
    cli("delete", SUBNET)
    served = State(version=2, worker_state="DELETE_COMPLETED")
    filled.put(keys.state(catalog.path(SUBNET)), served.encode())
    result = cli("delete", SUBNET)
    assert (result.code, result.out) == (0, "subnet:s1 is deleted.\n")
    assert filled.get(keys.config(catalog.path(SUBNET))) is None
