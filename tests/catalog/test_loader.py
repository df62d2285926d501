"""A catalog is loaded whole, or everything that is wrong with it is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Profile
from esi_flows.model.errors import InvalidInput
from esi_flows.model.jobs import ResourceRef

RESOURCE = """\
type: {name}
prefix: /v2.0
plural: {name}s
relations: {{}}
template_mappings: {{heat_worker: C{name}}}
schema: {{type: object, properties: {{id: {{type: string}}}}}}
"""

TEMPLATE = """\
id: {name}
handler: heat_worker
parameter_mappings: {{name: Pid}}
template_file: {name}.hot.yaml.j2
watch: []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalog of two types without a fault."""
    for name in ("network", "port"):
        put(tmp_path, f"{name}/resource.yaml", RESOURCE.format(name=name))
        put(tmp_path, f"{name}/{name}.template.yaml", TEMPLATE.format(name=name))
        put(tmp_path, f"{name}/{name}.hot.yaml.j2", f"text of {name}\n")
    return tmp_path


def put(folder: Path, name: str, text: str) -> None:
    path = folder / "resources" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "resources" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def findings(folder: Path) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        load_catalog(folder)
    resources = f"{folder / 'resources'}/"
    return [str(finding).replace(resources, "") for finding in caught.value.findings]


def test_types_and_templates(folder: Path) -> None:
    catalog = load_catalog(folder)
    assert sorted(catalog.types) == ["network", "port"]
    assert catalog.types["port"].template_mappings == {"heat_worker": "Cport"}
    assert str(catalog.path(ResourceRef("port", "p1"))) == "v2.0/ports/p1"
    assert catalog.templates["port"].template_file == "text of port\n"
    assert catalog.templates["port"].parameter_mappings == {"name": "Pid"}
    assert catalog.profile is Profile.B


def test_the_resources_folder_itself_will_do(folder: Path) -> None:
    assert load_catalog(folder / "resources").types.keys() == {"network", "port"}


def test_our_own_catalog_loads() -> None:
    catalog = load_catalog(Path(__file__).parents[2] / "flows")
    assert {"network", "subnet", "port"} <= catalog.types.keys()
    assert catalog.profile is Profile.A


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("port/resource.yaml", "type: port", "type: prot", "port/resource.yaml:1: type is not the"),
        ("port/resource.yaml", "/v2.0", "v2.0", "port/resource.yaml:2: prefix: 'v2.0' does not"),
        ("port/resource.yaml", "plural: ports", "plurals: x", "port/resource.yaml:3: plurals"),
        ("port/resource.yaml", "plural: ports\n", "", "'plural' is missing"),
        ("port/resource.yaml", "plural: ports", "plural: networks", "already that of network"),
        ("port/resource.yaml", "{}", "{network_id: netwrok}", "did you mean 'network'?"),
        ("port/resource.yaml", "{}", "{network_id: netwrok}", "port/resource.yaml:4: relations"),
        ("port/resource.yaml", "heat_worker", "heatworker", "heatworker"),
        ("port/resource.yaml", "{type: string}", "{type: sting}", "is no JSON Schema"),
        ("port/resource.yaml", "type: port", "type: port\ntype: port", "given twice"),
        ("port/resource.yaml", "type: port", "type: [", "is not YAML"),
        ("port/port.template.yaml", "id: port", "id: network", "'network' is taken"),
        ("port/port.template.yaml", "id: port", "id: other", "id is not the file's name"),
        ("port/port.template.yaml", "heat_worker", "heat", "port/port.template.yaml:2: handler"),
        ("port/port.template.yaml", "port.hot", "prot.hot", "port.template.yaml:4: prot.hot.yaml"),
        ("port/port.template.yaml", "port.hot.yaml.j2", "../../secret", "template_file"),
        ("port/port.template.yaml", "Pid", "7", "parameter_mappings.name"),
        ("port/port.template.yaml", "watch: []", "---\na: 1", "has 2 documents"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    folder: Path, file: str, old: str, new: str, expected: str
) -> None:
    change(folder, file, old, new)
    assert expected in " ".join(findings(folder))


def test_everything_is_told_at_once(folder: Path) -> None:
    change(folder, "port/resource.yaml", "/v2.0", "")
    change(folder, "network/network.template.yaml", "heat_worker", "cold_worker")
    put(folder, "port/notes.yaml", "a: 1")
    put(folder, "empty/readme.txt", "")
    found = findings(folder)
    assert len(found) == 4
    assert any("notes.yaml: is no file of a catalog" in finding for finding in found)
    assert any("has no resource.yaml" in finding for finding in found)


def test_a_text_that_is_not_utf8_is_told(folder: Path) -> None:
    (folder / "resources/port/port.hot.yaml.j2").write_bytes(b"\xff")
    assert "not UTF-8" in " ".join(findings(folder))


def test_no_folder_and_an_empty_folder(tmp_path: Path) -> None:
    assert "is no folder" in findings(tmp_path / "nowhere")[0]
    assert "is empty" in findings(tmp_path)[0]
