"""What ``graph`` and ``timeline`` draw, of folders, saved plans and what is in the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import Cli, Write
from tests.cli.test_plan import CHANGED, FILES
from tests.cli.world import NETWORK, PORT, fill

pytestmark = pytest.mark.etcd


def test_a_folder_and_its_saved_plan_are_the_same_graph(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    folder, plan = write(FILES), tmp_path / "a.plan"
    assert cli("plan", folder, "--out", plan).code == 0
    drawn = cli("graph", folder, "-o", "json")
    assert drawn.code == 0
    assert drawn.out == cli("graph", plan, "-o", "json").out
    assert cli("graph", folder).out.splitlines()[0] == "Step 10-create"


@pytest.mark.parametrize(
    ("form", "begins"),
    [("mermaid", "flowchart"), ("dot", "digraph"), ("svg", "<svg"), ("html", "<!")],
)
def test_every_format_is_drawn(cli: Cli, write: Write, form: str, begins: str) -> None:
    assert cli("graph", write(FILES), "-o", form).out.startswith(begins)


def test_what_a_change_adds_is_marked(cli: Cli, write: Write, tmp_path: Path) -> None:
    folder, base = write(FILES), tmp_path / "base.plan"
    assert cli("plan", folder, "--out", base).code == 0
    write(CHANGED)
    found = json.loads(cli("graph", folder, "--diff", base, "-o", "json").out)
    marks = {g["id"]: g["mark"] for step in found["steps"] for g in step["groups"] if g["mark"]}
    assert marks == {"port:7e99bb70-5e1a-4c14-972c-8db8d52aee2f:2": "added"}


def test_what_a_failure_brings_about_is_marked(cli: Cli, write: Write) -> None:
    lines = cli("graph", write(FILES), "--if-fails", "create:monitoring_worker:9dd2540c").out
    assert "✖ network:9dd2540c v1  fails" in lines
    assert "↺ create:heat_worker  is reverted" in lines
    assert "⊘ subnet:e42524f9 v1  is cancelled" in lines
    assert "⊘ port:7e99bb70 v1  is cancelled" in lines


def test_an_unknown_job_is_an_error_that_names_those_there_are(cli: Cli, write: Write) -> None:
    result = cli("graph", write(FILES), "--if-fails", "nothing")
    assert result.code == 1
    assert "no job is called 'nothing'" in result.err


def test_what_is_in_the_store_is_drawn_with_how_it_is(
    store: EtcdStore, catalog: Catalog, cli: Cli
) -> None:
    fill(store, catalog)
    found = json.loads(cli("graph", "-o", "json").out)
    phases = {g["resource"][0]: g["phase"] for g in found["steps"][0]["groups"]}
    assert phases == {"network": "done", "subnet": "reverted", "port": "waiting"}
    assert found["mode"] == "live"
    assert f"{PORT.type}:{PORT.id}" in cli("graph", str(PORT), "-o", "json").out


def test_a_timeline_tells_waiting_outside_and_own_time_apart(
    store: EtcdStore, catalog: Catalog, cli: Cli
) -> None:
    fill(store, catalog)
    bars = {bar["group"]: bar for bar in json.loads(cli("timeline", "-o", "json").out)["bars"]}
    one = bars[f"{NETWORK}:1"]
    assert one["waiting"] >= 0
    assert one["outside"] + one["own"] > 0
    assert "our own" in cli("timeline").out
    for form in ("svg", "html"):
        assert "<svg" in cli("timeline", "-o", form).out
