from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog, Template
from esi_flows.deployments.apply import Applier
from esi_flows.deployments.types import Deployment
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.planning import saved
from esi_flows.planning.planner import plan_deployment, plan_resource
from esi_flows.planning.saved import SavedPlan
from esi_flows.store.base import Store
from tests.planning.conftest import NETWORK, PORT, TAG, Past, deployment, wanted

ADDRESS: dict[str, Any] = {"network_id": "n1", "address": "10.0.0.1"}
MOVED: dict[str, Any] = {"network_id": "n1", "address": "10.0.0.2"}


def two_steps() -> Deployment:
    return deployment([wanted(PORT, **ADDRESS)], [wanted(PORT, **MOVED)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


@pytest.fixture
def plan(store: Store, catalog: Catalog, past: Past, file: Path) -> SavedPlan:
    """Of a port that reads a network which is in the store."""
    past.made(NETWORK, template="", outputs={"id": "uuid-1"}, name="blue", pin="opensesame")
    saved.save(plan_deployment(store, catalog, two_steps()), file)
    return saved.load(file)


def findings(plan: SavedPlan, store: Store, catalog: Catalog) -> list[str]:
    with pytest.raises(InvalidInput, match="is stale") as stale:
        plan.check(store, catalog)
    return [str(finding) for finding in stale.value.findings]


def test_what_is_read_is_what_was_saved(store: Store, catalog: Catalog, plan: SavedPlan) -> None:
    assert plan.deployment == two_steps()
    assert plan.versions == {PORT: 1}
    plan.check(store, catalog)


def test_only_its_owner_may_read_it(plan: SavedPlan, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_of_others_are_not_in_it(plan: SavedPlan, file: Path) -> None:
    assert "opensesame" not in file.read_text()


@pytest.mark.parametrize(
    "key",
    [
        "/config/v2.0/networks/n1",
        "/esi-worker/heat_stacks/v2.0/networks/n1",
        "/config/v2.0/ports/p1",
        "/state/v2.0/ports/p1",
        "/esi-flows/quarantine/config/v2.0/ports/p1",
    ],
)
def test_a_changed_document_makes_it_stale_and_is_named(
    store: Store, catalog: Catalog, plan: SavedPlan, key: str
) -> None:
    found = store.get(key)
    store.put(key, found.value if found is not None else b'{"body":{},"version":7}')
    [finding] = findings(plan, store, catalog)
    assert finding.startswith(f"{key}: has {'changed' if found else 'appeared'} since")


def test_a_document_that_is_gone_makes_it_stale(
    store: Store, catalog: Catalog, plan: SavedPlan
) -> None:
    store.delete("/esi-worker/heat_stacks/v2.0/networks/n1")
    assert findings(plan, store, catalog) == [
        "/esi-worker/heat_stacks/v2.0/networks/n1: is gone since"
    ]


def test_what_it_does_not_rest_on_may_change(
    store: Store, catalog: Catalog, plan: SavedPlan, past: Past
) -> None:
    past.made(TAG)
    store.put(keys.monitoring(catalog.path(NETWORK)), b"{}")
    plan.check(store, catalog)


def test_another_catalog_makes_it_stale(store: Store, catalog: Catalog, plan: SavedPlan) -> None:
    other = Template(id="x", handler="heat_worker", parameter_mappings={}, template_file="")
    changed = Catalog(catalog.types.values(), [*catalog.templates.values(), other])
    assert findings(plan, store, changed) == ["the catalog: has changed since"]


def test_what_it_did_itself_does_not_make_it_stale(
    store: Store, catalog: Catalog, plan: SavedPlan, past: Past
) -> None:
    applier = Applier(
        store, catalog, plan.deployment, before_writing=lambda: plan.check(store, catalog)
    )
    assert [d.version for d in applier.apply_step(0).written] == [1]
    past.made(PORT, 1, template="", **ADDRESS)
    assert [d.version for d in applier.apply_step(1).written] == [2]
    past.made(PORT, 3, template="", error="tried twice", **MOVED)
    plan.check(store, catalog)


@pytest.mark.parametrize(
    ("version", "body"), [(1, {**ADDRESS, "address": "elsewhere"}), (2, {**MOVED, "name": "x"})]
)
def test_what_somebody_else_made_of_its_resources_does(
    store: Store,
    catalog: Catalog,
    plan: SavedPlan,
    past: Past,
    version: int,
    body: dict[str, Any],
) -> None:
    past.intent(PORT, version, **body)
    assert findings(plan, store, catalog)[0].startswith("/config/v2.0/ports/p1: has appeared")


def test_a_change_between_the_check_and_the_write_is_noticed(
    store: Store, catalog: Catalog, plan: SavedPlan, past: Past
) -> None:
    def check_then_interfere() -> None:
        plan.check(store, catalog)
        past.intent(PORT, 1, network_id="n1", address="elsewhere")

    applier = Applier(store, catalog, plan.deployment, before_writing=check_then_interfere)
    with pytest.raises(InvalidInput, match="is stale"):
        applier.apply_step(0)
    found = store.get(keys.config(catalog.path(PORT)))
    assert found is not None
    assert b"elsewhere" in found.value


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("10.0.0.1", "10.0.0.9", "is damaged"),
        ('"kind":"esi-flows plan"', '"kind":"other"', "is no saved plan"),
        ("{", "", "is not JSON"),
    ],
)
def test_a_file_that_is_none_or_damaged_is_refused(
    plan: SavedPlan, file: Path, old: str, new: str, message: str
) -> None:
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(InvalidInput, match=message):
        saved.load(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        saved.load(tmp_path / "none.json")


def test_no_member_may_be_missing(plan: SavedPlan, file: Path) -> None:
    document = json.loads(file.read_text())
    for name in ("deployment", "catalog", "rests_on", "writes"):
        rest = {key: value for key, value in document.items() if key != name}
        rest["digest"] = saved._digest(rest)
        file.write_text(json.dumps(rest))
        with pytest.raises(InvalidInput, match=f"'{name}' is missing"):
            saved.load(file)


def test_what_cannot_be_applied_is_not_saved(
    store: Store, catalog: Catalog, plan: SavedPlan, file: Path, tmp_path: Path
) -> None:
    before = file.read_bytes()
    with pytest.raises(InvalidInput, match="only the plan of a folder"):
        saved.save(plan_resource(store, catalog, NETWORK), file)
    with pytest.raises(InvalidInput, match="refused"):
        saved.save(plan_deployment(store, catalog, deployment([wanted(PORT)])), file)
    assert file.read_bytes() == before
    with pytest.raises(InvalidInput, match="cannot be written"):
        saved.save(plan_deployment(store, catalog, two_steps()), tmp_path / "no" / "plan.json")
