from __future__ import annotations

import json

import pytest
import yaml

from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import Action
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import Cli
from tests.cli.world import NETWORK, PORT, SUBNET, fill


@pytest.fixture
def filled(store: EtcdStore, catalog: Catalog) -> EtcdStore:
    fill(store, catalog)
    return store


def test_failures_come_first_then_what_is_under_way(filled: EtcdStore, cli: Cli) -> None:
    result = cli("status", "-f", "value", "-c", "Resource", "-c", "Phase", "-c", "Jobs")
    assert result.code == 0
    assert [line.split(":")[0] + line[line.index(" ") :] for line in result.out.splitlines()] == [
        "subnet reverted 0/1",
        "port waiting 0/2",
        "network done 2/2",
        "tenant done ",
    ]


def test_the_tree_shows_jobs_of_what_needs_attention_and_what_to_type_next(
    filled: EtcdStore, cli: Cli
) -> None:
    lines = cli("status").out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "↺ subnet",
        "  ✖ create",
        "◷ port",
        "✔ network",
        "✔ tenant",
        "4 resources",
        "next",
    ]
    assert lines[-2] == "4 resources: 1 waiting, 2 done, 1 reverted"
    assert lines[-1].startswith(f"next: esi-flows status {SUBNET} --etcd ")


def test_what_is_suspended_and_paused_is_shown_with_how_to_go_on(
    store: EtcdStore, catalog: Catalog, cli: Cli
) -> None:
    path = catalog.path(PORT)
    store.put(keys.config(path), Intent({"id": PORT.id}, 1).encode())
    record = GroupRecord(
        name=f"{PORT}:1",
        action=Action.CREATE,
        resource=PORT,
        version=1,
        job_ids=(),
        state=GroupState.SUSPENDED,
        posted_at=1.0,
    )
    store.put(keys.group(record.name), record.encode())
    assert cli("status").out.splitlines()[-1].startswith(f"next: esi-flows resume {PORT}")
    assert cli("status", PORT).out.splitlines()[-1].startswith(f"next: esi-flows resume {PORT}")
    cli("pause", "--reason", "upgrade")
    lines = cli("status").out.splitlines()
    assert lines[0].startswith("Paused, by ")
    assert lines[-1].startswith("next: esi-flows unpause")


def test_the_list_is_json_too(filled: EtcdStore, cli: Cli) -> None:
    rows = json.loads(cli("status", "-f", "json").out)
    assert rows[0] == {
        "Resource": str(SUBNET),
        "Version": 1,
        "Phase": "reverted",
        "State": "CREATE_FAILED",
        "Jobs": "0/1",
        "Error": "Quota exceeded for subnet",
    }


def test_an_empty_store_has_an_empty_list(cli: Cli) -> None:
    assert json.loads(cli("status", "-f", "json").out) == []
    assert cli("status").out.startswith(
        "There are no resources in the store.\nnext: esi-flows run DIR "
    )


def test_a_broken_document_does_not_hide_the_others(filled: EtcdStore, cli: Cli) -> None:
    filled.put("/config/v2.0/networks/broken", b"{")
    rows = json.loads(cli("status", "-f", "json").out)
    assert len(rows) == 5


def test_one_resource_is_shown_whole(filled: EtcdStore, cli: Cli) -> None:
    result = cli("status", "network:9dd")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[:-1] == [
        f"✔ {NETWORK}  v1 create  2.0s",
        "  ✔ create:heat_worker        done  1.4s",
        "  ✔ create:monitoring_worker  done  0.10s",
        "State       CREATE_COMPLETED",
        f"Outputs     id = {NETWORK.id}",
        "            admin_password = ********",
        "Monitoring  network = UP",
        "            version = 1",
    ]
    assert lines[-1].startswith(
        f"next: esi-flows get /esi-worker/heat_stacks/v2.0/networks/{NETWORK.id} --etcd "
    )


def test_a_failure_is_shown_with_its_cause_and_what_to_do(filled: EtcdStore, cli: Cli) -> None:
    lines = cli("status", SUBNET).out.splitlines()
    assert lines[:4] == [
        f"↺ {SUBNET}  v1 create  3.0s  Quota exceeded …",
        "  ✖ create:heat_worker  failed  Quota exceeded for subnet",
        "State       CREATE_FAILED",
        "Error       Quota exceeded for subnet",
    ]
    assert lines[4].startswith(f"next: esi-flows retry {SUBNET}")
    assert lines[4].endswith("tries again what failed")


def test_what_waits_says_for_what(filled: EtcdStore, cli: Cli) -> None:
    fields = json.loads(cli("status", PORT, "-f", "json").out)
    assert fields["phase"] == "waiting"
    assert [job.rpartition(":")[0] for job in fields["waits_for"]] == [
        f"create:heat_worker:{SUBNET}:1"
    ]


def test_one_resource_is_json_and_yaml_and_single_values_too(filled: EtcdStore, cli: Cli) -> None:
    fields = json.loads(cli("status", NETWORK, "-f", "json").out)
    assert fields["outputs"] == {"id": NETWORK.id, "admin_password": "********"}
    assert fields["monitoring"] == {"network": "UP", "version": 1}
    assert yaml.safe_load(cli("status", NETWORK, "-f", "yaml").out) == fields
    assert cli("status", NETWORK, "-f", "value", "-c", "state").out == "CREATE_COMPLETED\n"
    assert cli("status", NETWORK, "-f", "csv", "-c", "state", "-c", "version").out == (
        '"version","state"\n1,"CREATE_COMPLETED"\n'
    )


def test_secrets_are_masked_unless_told_otherwise(filled: EtcdStore, cli: Cli) -> None:
    for arguments in (["-f", "json"], ["-f", "table"], ["-f", "yaml"]):
        assert "hush" not in cli("status", NETWORK, *arguments).out
    shown = json.loads(cli("status", NETWORK, "-f", "json", "--show-secrets").out)
    assert shown["body"]["password"] == "hush"


def test_a_name_that_fits_nothing_is_an_error(filled: EtcdStore, cli: Cli) -> None:
    result = cli("status", "zzz")
    assert (result.code, result.out) == (1, "")
    assert result.err == ("error: no resource is called 'zzz'\nnext: esi-flows status lists all\n")
