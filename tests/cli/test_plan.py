"""What ``plan`` prints, to the letter, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from esi_flows.catalog.types import Catalog
from esi_flows.cli.plan_text import PlanText
from esi_flows.cli.screen import Screen
from esi_flows.deployments.loader import load_deployment
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.model.results import State
from esi_flows.planning.planner import plan_deployment
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import FLOWS, Cli, Write
from tests.cli.test_output import Terminal

TENANT = "type: tenant\nid: t1\nbody: {name: us}\n---\n"
NETWORK = """\
type: network
id: 9dd2540c-934c-4db7-bc33-83059bf6905d
body: {tenant_id: t1, name: blue}
---
"""
SUBNET = """\
type: subnet
id: e42524f9-80ab-49d3-92e6-948c82c0bc88
body:
  tenant_id: t1
  network_id: 9dd2540c-934c-4db7-bc33-83059bf6905d
  name: v4
  ip_version: 4
  cidr: 10.10.0.0/24
"""
PORT = """\
type: port
id: 7e99bb70-5e1a-4c14-972c-8db8d52aee2f
body:
  tenant_id: t1
  network_id: 9dd2540c-934c-4db7-bc33-83059bf6905d
  name: web-1
  attached: true
  device_owner: compute:zone1
  fixed_ips:
    - {ip_address: 10.10.0.10, subnet_id: e42524f9-80ab-49d3-92e6-948c82c0bc88}
"""
SECOND = "    - {ip_address: 10.10.0.11, subnet_id: e42524f9-80ab-49d3-92e6-948c82c0bc88}\n"
FILES = {"10-create/a.yaml": f"{TENANT}{NETWORK}{SUBNET}---\n{PORT}"}
CHANGED = {"20-change/a.yaml": PORT.replace("web-1", "web") + SECOND}
NETWORK_REF = ResourceRef("network", "9dd2540c-934c-4db7-bc33-83059bf6905d")
GOLDEN = Path(__file__).parent / "golden"


def wide(folder: Path, store: EtcdStore, catalog: Catalog, encoding: str, width: int) -> str:
    """The plan on a terminal of that width."""
    terminal = Terminal(encoding)
    screen = Screen(terminal, width=width)
    plan = plan_deployment(store, catalog, load_deployment(folder, catalog))
    for line in PlanText(screen, plan, full=False).lines():
        screen.line(line)
    return re.sub(r"\x1b\[[0-9;]*m", "", terminal.text)


def made(store: EtcdStore, catalog: Catalog, resource: ResourceRef, **body: Any) -> None:
    """What is stored of a resource that is done."""
    path, body = catalog.path(resource), {"id": resource.id, **body}
    store.put(keys.config(path), Intent(body, 1).encode())
    store.put(keys.memo(path), Memo(body, 1).encode())
    store.put(keys.state(path), State(version=1, worker_state="CREATE_COMPLETED").encode())


def took(store: EtcdStore, resource: ResourceRef, action: Action, seconds: float) -> None:
    record = GroupRecord(
        name=f"{resource}:1",
        action=action,
        resource=resource,
        version=1,
        job_ids=(),
        state=GroupState.SUCCESS,
        started_at=1000.0,
        ended_at=1000.0 + seconds,
    )
    store.put(keys.group(record.name), record.encode())


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.mark.parametrize(
    ("encoding", "width"), [("utf-8", 120), ("utf-8", 80), ("ascii", 80)], ids=str
)
def test_the_plan_fits_the_screen(
    store: EtcdStore,
    catalog: Catalog,
    write: Write,
    tmp_path: Path,
    encoding: str,
    width: int,
) -> None:
    """To see why: esi-flows plan on the folder that this writes, in a terminal of that width."""
    made(store, catalog, ResourceRef("tenant", "t1"), name="us")
    took(store, ResourceRef("network", "other"), Action.CREATE, 2.0)
    expected = (GOLDEN / f"plan_{encoding}_{width}.txt").read_text(encoding="utf-8")
    folder = tmp_path / write({**FILES, **CHANGED})
    assert wide(folder, store, catalog, encoding, width) == expected


def test_all_of_it_is_shown_when_asked_for(cli: Cli, write: Write) -> None:
    shown = cli("plan", write(FILES), "--full").out
    assert "    from d/10-create/a.yaml:5\n" in shown
    assert '    + heat_worker cidr: "10.10.0.0/24"\n' in shown
    assert "      +heat_template_version: 2013-05-23\n" in shown
    assert "subnet:e42524f9-80ab-49d3-92e6-948c82c0bc88  v1\n" in shown


def test_names_that_would_be_alike_are_not_cut(cli: Cli, write: Write) -> None:
    twin = "9dd2540c-0000-4db7-bc33-83059bf6905d"
    other = NETWORK.replace("9dd2540c-934c-4db7-bc33-83059bf6905d", twin)
    assert f"+ network:{twin}  v1\n" in cli("plan", write({"a.yaml": TENANT + NETWORK + other})).out


def test_the_last_line_is_the_totals(cli: Cli, write: Write) -> None:
    assert cli("plan", write(FILES)).out.splitlines()[-1] == (
        "Plan: 4 to create, 0 to modify, 0 to delete; 5 jobs in 3 groups, time unknown"
    )


@pytest.mark.parametrize(("detailed", "code"), [(True, 2), (False, 0)])
def test_changes_have_an_exit_code_of_their_own_when_asked_for(
    cli: Cli, write: Write, detailed: bool, code: int
) -> None:
    result = cli("plan", write(FILES), *(["--detailed-exitcode"] if detailed else []))
    assert (result.code, result.err) == (code, "")


def test_nothing_to_do_is_nothing(
    cli: Cli, store: EtcdStore, catalog: Catalog, write: Write
) -> None:
    made(store, catalog, ResourceRef("tenant", "t1"), name="us")
    result = cli("plan", write({"a.yaml": TENANT}), "--detailed-exitcode")
    assert result.code == 0
    assert result.out == (
        "· 1 resource is as wanted\n\nPlan: 0 to create, 0 to modify, 0 to delete, 1 as they are\n"
    )


def test_a_refused_intent_is_an_error_and_says_why(cli: Cli, write: Write) -> None:
    files = {
        "10-a/a.yaml": PORT.replace("compute:zone1", "network:gw_interface\n  device_id: gone")
    }
    result = cli("plan", write({"10-a/n.yaml": NETWORK, **files, "20-b/b.yaml": TENANT}))
    assert result.code == 1
    assert "! port:7e99bb70  v1\n    port:7e99bb70, parameter" in result.out
    assert "there is no configuration of gw_interface:gone" in result.out
    assert "Step 20-b\n  is not reached: port:7e99bb70 is refused\n" in result.out
    assert result.out.splitlines()[-1].startswith("Plan: 1 to create, ")


def test_bad_input_is_told_as_apply_tells_it(cli: Cli, write: Write) -> None:
    folder = write({"a.yaml": SUBNET})
    planned, applied = cli("plan", folder), cli("apply", folder)
    assert (planned.code, planned.out) == (1, "")
    assert planned.err == applied.err


def test_a_resource_is_planned_by_a_part_of_its_id(
    cli: Cli, store: EtcdStore, catalog: Catalog, write: Write
) -> None:
    cli("apply", write(FILES))
    shown = cli("plan", "network:9dd2").out
    assert "+ network:9dd2540c  v1\n    is in the store already" in shown
    assert "create:heat_worker" in shown
    assert cli("plan", "nothing").code == 1


def test_deleting_a_resource_is_planned(
    cli: Cli, store: EtcdStore, catalog: Catalog, write: Write
) -> None:
    made(store, catalog, NETWORK_REF, tenant_id="t1", name="blue")
    shown = cli("plan", NETWORK_REF, "--delete").out
    assert "- network:9dd2540c  v1 -> v2\n" in shown
    assert "logical_delete:heat_worker" in shown
    assert cli("plan", write(FILES), "--delete").code == 1


def test_the_document_keeps_its_members(cli: Cli, write: Write) -> None:
    """Scripts rely on these; a member that goes or changes its meaning needs another format."""
    document = json.loads(cli("plan", write({**FILES, **CHANGED}), "-f", "json").out)
    assert document["format"] == 1
    assert set(document) == {"format", "name", "revision", "steps", "pending", "totals"}
    assert document["totals"] == {
        "create": 4,
        "modify": 1,
        "delete": 0,
        "nothing": 0,
        "refused": 0,
        "groups": 4,
        "jobs": 8,
        "seconds": None,
    }
    step = document["steps"][1]
    assert set(step) == {"name", "blocked", "changes"}
    [change] = step["changes"]
    assert {name: type(value).__name__ for name, value in change.items()} == {
        "resource": "str",
        "change": "str",
        "version": "int",
        "previous_version": "int",
        "writes": "bool",
        "where": "str",
        "note": "str",
        "hint": "str",
        "group": "str",
        "jobs": "list",
        "waits_for": "list",
        "cancels": "list",
        "seconds": "NoneType",
    }
    job = change["jobs"][1]
    assert set(job) == {
        "action",
        "handler",
        "on_failure",
        "parameters",
        "template",
        "if_it_fails",
    }
    assert set(job["parameters"][0]) == {"name", "secret", "old", "new"}
    assert set(job["template"]) == {"template", "difference", "unknown_outputs", "problem"}
    assert job["if_it_fails"] == {
        "ignored": False,
        "reverts": [
            {"job": "modify:heat_worker", "how": "update the stack back"},
            {"job": "delete:monitoring_worker", "how": "add the targets again"},
        ],
    }
    waits = document["steps"][0]["changes"][3]["waits_for"][0]
    assert waits == {
        "group": f"{NETWORK_REF}:1",
        "jobs": ["create:heat_worker"],
        "because": [{"rule": "reads", "parameters": ["virtual_network"]}],
    }


def test_other_formats_say_the_same(cli: Cli, write: Write) -> None:
    folder = write(FILES)
    document = json.loads(cli("plan", folder, "-f", "json").out)
    assert yaml.safe_load(cli("plan", folder, "-f", "yaml").out) == document
    rows = list(csv.DictReader(io.StringIO(cli("plan", folder, "-f", "csv").out)))
    assert [row["Resource"] for row in rows] == [
        change["resource"] for step in document["steps"] for change in step["changes"]
    ]
    columns = cli("plan", folder, "-f", "value", "-c", "Change", "-c", "Version").out
    assert columns == "create 1\n" * 4


def test_nothing_is_written(cli: Cli, store: EtcdStore, write: Write, tmp_path: Path) -> None:
    folder, before = write({**FILES, **CHANGED}), store.range("/").revision
    for more in ([], ["--full"], ["-f", "json"], ["--out", tmp_path / "plan.json"]):
        cli("plan", folder, *more)
    assert store.range("/").revision == before


def test_a_saved_plan_is_applied_whatever_the_folder_says_now(
    cli: Cli, store: EtcdStore, write: Write
) -> None:
    planned = cli("plan", write(FILES), "--out", "plan.json")
    assert planned.err.startswith("next: esi-flows run --plan plan.json --etcd ")
    write({"10-create/a.yaml": TENANT.replace("us", "them")})
    applied = cli("apply", "--plan", "plan.json")
    assert applied.code == 0
    assert applied.out.splitlines()[-1].startswith("next: esi-flows run --plan plan.json --etcd ")
    assert len(store.range(keys.CONFIG).items) == 4
    [tenant] = [i for i in store.range(keys.CONFIG).items if i.key.endswith("/t1")]
    assert Intent.decode(tenant.key, tenant.value).body["name"] == "us"


@pytest.mark.parametrize("command", ["apply", "run"])
def test_a_stale_plan_is_refused_and_says_what_has_changed(
    cli: Cli, store: EtcdStore, catalog: Catalog, write: Write, command: str
) -> None:
    cli("plan", write(FILES), "--out", "plan.json")
    made(store, catalog, NETWORK_REF, name="somebody else's")
    before = store.range("/").revision
    result = cli(command, "--plan", "plan.json")
    assert result.code == 1
    lines = result.err.splitlines()
    assert lines[0] == "error: plan.json is stale"
    assert lines[1].startswith(f"  /config/v2.0/networks/{NETWORK_REF.id}: has appeared since")
    assert lines[-1] == "next: plan again, and have that plan reviewed"
    assert store.range("/").revision == before


def test_either_a_folder_or_a_plan_is_applied(cli: Cli, write: Write) -> None:
    for arguments in ([], [write(FILES), "--plan", "plan.json"]):
        result = cli("apply", *arguments)
        assert result.code == 1
        assert "--plan" in result.err


def test_secrets_are_not_shown_in_any_format(cli: Cli, write: Write) -> None:
    """Nor where a mapping of another resource or a template has carried them."""
    source = FLOWS / "deployments" / "internet_gateway"
    secret = "Canary-8711"
    for file in source.rglob("*.yaml"):
        text = re.sub(r"password: .*", f"password: {secret}", file.read_text(encoding="utf-8"))
        folder = write({str(file.relative_to(source)): text})
    for more in ([], ["--full"], ["-f", "json"], ["-f", "yaml"], ["-f", "csv"]):
        result = cli("plan", folder, *more)
        assert result.code == 0
        assert secret not in result.out + result.err
