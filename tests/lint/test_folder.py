"""A folder is clean, or everything that is wrong in it is told, to the letter."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from esi_flows.catalog.loader import ReadCatalog, read_catalog
from esi_flows.cli.lint import plain
from esi_flows.lint.folder import lint
from esi_flows.model.errors import Finding, Severity

HERE = Path(__file__).parent
GOOD = HERE / "good"
BAD = sorted(path.name for path in (HERE / "bad").iterdir())
FLOWS = HERE.parents[1] / "flows"

Change = Callable[[str, str, str], None]


def no_other_catalog() -> ReadCatalog:
    pytest.fail("the folder has its own catalog")


def found_in(folder: Path, *, partial: bool = False) -> list[Finding]:
    return lint(folder, catalog=no_other_catalog, partial=partial)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder without a fault, called ``d``."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(GOOD, "d")
    return Path("d")


@pytest.fixture
def change(folder: Path) -> Change:
    """Replace a part of a file in the copy."""

    def change_file(name: str, old: str, new: str) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return change_file


def test_the_good_folder_is_clean(folder: Path) -> None:
    assert found_in(folder) == []


def test_our_own_catalog_and_deployments_are_clean() -> None:
    assert found_in(FLOWS) == []


@pytest.mark.parametrize("case", BAD)
def test_each_fault_is_one_finding(folder: Path, case: str) -> None:
    bad = HERE / "bad" / case
    shutil.copytree(bad, folder, dirs_exist_ok=True)
    found = found_in(folder)
    assert "".join(f"{plain(finding)}\n" for finding in found) == (bad / "expected.txt").read_text()
    assert len(found) == 1


def test_all_faults_are_told_at_once(folder: Path) -> None:
    """Those that do not follow from each other."""
    cases = ("unknown_type", "unknown_member_of_a_type", "text_that_fails", "unknown_field_inside")
    for case in cases:
        shutil.copytree(HERE / "bad" / case, folder, dirs_exist_ok=True)
    assert [finding.where.partition(":")[0].rpartition("/")[2] for finding in found_in(folder)] == [
        "ports.yaml",
        "network.hot.yaml.j2",
        "port_compute.template.yaml",
        "resource.yaml",
    ]


def test_findings_say_where_for_programs(folder: Path) -> None:
    shutil.copytree(HERE / "bad" / "value_that_is_not_allowed", folder, dirs_exist_ok=True)
    [finding] = found_in(folder)
    assert finding.spot is not None
    assert finding.spot.path == "body.kind"
    assert (finding.spot.line, finding.spot.column) == (5, 3)
    assert finding.value == "'computer'"
    assert finding.allowed == "compute, router"


def test_a_deployment_alone_is_judged_by_another_catalog(folder: Path) -> None:
    deployment = folder / "deployments" / "office"
    assert lint(deployment, catalog=lambda: read_catalog(folder)) == []
    found = lint(deployment, catalog=lambda: read_catalog(FLOWS))
    assert "unknown type 'tag'" in " ".join(map(str, found))


def test_several_deployments_may_refer_to_each_other(folder: Path) -> None:
    (folder / "deployments/annex").mkdir()
    (folder / "deployments/annex/ports.yaml").write_text(
        "type: port\nid: door\nbody: {network_id: office, kind: router}\n"
    )
    assert found_in(folder) == []


def test_what_may_be_in_etcd_is_a_warning_if_asked_for(folder: Path, change: Change) -> None:
    change("deployments/office/20-ports/ports.yaml", "network_id: office", "network_id: yard")
    [error] = found_in(folder)
    assert error.severity is Severity.ERROR
    [warning] = found_in(folder, partial=True)
    assert warning.severity is Severity.WARNING
    assert warning.what == error.what


def test_a_slip_is_an_error_even_so(folder: Path, change: Change) -> None:
    change("deployments/office/20-ports/ports.yaml", "network_id: office", "network_id: offcie")
    [finding] = found_in(folder, partial=True)
    assert finding.severity is Severity.ERROR


def test_a_broken_type_hides_what_depends_on_it_and_nothing_else(
    folder: Path, change: Change
) -> None:
    change("resources/network/resource.yaml", "plural: networks", "plural: [networks")
    change("resources/port/port_router.template.yaml", "Ooptions:mtu", "Ooptions:mut")
    change("deployments/office/20-ports/ports.yaml", "kind: compute", "kind: computer")
    assert [finding.where.rpartition("/")[2] for finding in found_in(folder)] == [
        "ports.yaml:5",
        "resource.yaml:4",
        "port_router.template.yaml:6",
    ]


def test_a_note_says_that_a_parameter_is_there_to_be_waited_for(
    folder: Path, change: Change
) -> None:
    head = "resources/network/network.template.yaml"
    change(head, "  name: Pname", "  name: Pname\n  jinja_extra: Pname")
    assert "never reads 'jinja_extra'" in str(found_in(folder)[0])
    change(head, "  jinja_extra", "  # not read by the template: jinja_extra - why\n  jinja_extra")
    assert found_in(folder) == []


@pytest.mark.parametrize("name", ["nowhere", "d/resources/tag/resource.yaml"])
def test_what_is_no_folder_is_told(folder: Path, name: str) -> None:
    [finding] = found_in(Path(name))
    assert finding.where == name


@pytest.mark.parametrize("nested", ["[" * 100_000, "- " * 100_000 + "a"], ids=["flow", "block"])
@pytest.mark.parametrize(
    "name", ["deployments/office/10-network/network.yaml", "resources/network/network.hot.yaml.j2"]
)
def test_deep_nesting_is_told_and_does_no_harm(folder: Path, name: str, nested: str) -> None:
    (folder / name).write_text(nested)
    assert folder / name in [Path(finding.where.partition(":")[0]) for finding in found_in(folder)]
