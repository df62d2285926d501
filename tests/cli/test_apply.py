from __future__ import annotations

from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import State
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import Cli, Write

TENANT = "type: tenant\nid: t1\nbody: {name: us}\n"
RENAMED = "type: tenant\nid: t1\nbody: {name: them}\n"
STEPS = {"10-create/t.yaml": TENANT, "20-rename/t.yaml": RENAMED}


def test_it_writes_intents_and_says_that_nobody_works_on_them(
    cli: Cli, store: EtcdStore, write: Write
) -> None:
    result = cli("apply", write(STEPS))
    assert result.code == 0
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[:4] == [
        "Step 10-create",
        "  create     tenant:t1 v1",
        "Step 20-rename comes when 10-create has ended well.",
        "No conductor is live: nothing happens until one is.",
    ]
    assert lines[4].startswith("next: esi-flows run d --etcd http://127.0.0.1:")
    assert len(store.range(keys.CONFIG).items) == 1


def test_live_conductors_are_named(cli: Cli, store: EtcdStore, write: Write) -> None:
    store.put(keys.conductor("host-1-abcde"), b"{}")
    lines = cli("apply", write(STEPS)).out.splitlines()
    assert "Conductors at work: host-1-abcde" in lines
    assert lines[-1].startswith("next: esi-flows status --etcd ")


def test_applied_again_it_goes_on_step_by_step_to_nothing_to_do(
    cli: Cli, store: EtcdStore, catalog: Catalog, write: Write
) -> None:
    folder = write(STEPS)
    path = catalog.path(ResourceRef("tenant", "t1"))

    def end(version: int) -> None:
        state = State(version=version, worker_state="READ_COMPLETE")
        store.put(keys.state(path), state.encode())

    cli("apply", folder)
    assert "  in flight  tenant:t1 v1" in cli("apply", folder).out
    end(1)
    assert "  update     tenant:t1 v2" in cli("apply", folder).out
    end(2)
    assert cli("apply", folder).out.endswith("Nothing to do: d is as wanted.\n")


def test_quiet_says_nothing_when_all_is_well(cli: Cli, write: Write) -> None:
    result = cli("-q", "apply", write(STEPS))
    assert (result.code, result.out, result.err) == (0, "", "")


def test_a_resource_that_is_being_deleted_is_not_overwritten(
    cli: Cli, store: EtcdStore, catalog: Catalog, write: Write
) -> None:
    key = keys.config(catalog.path(ResourceRef("tenant", "t1")))
    marked = Intent({"id": "t1"}, 2, marked_for_deletion=True).encode()
    store.put(key, marked)
    result = cli("apply", write(STEPS))
    assert result.code == 1
    assert "d/10-create/t.yaml:1: tenant:t1 is being deleted (version 2)" in result.err
    found = store.get(key)
    assert found is not None
    assert found.value == marked
