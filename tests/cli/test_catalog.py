"""The catalog commands: from a schema list to a folder, and schemas for editors."""

from __future__ import annotations

import json
from pathlib import Path

from esi_flows.catalog.loader import load_catalog
from tests.cli.conftest import FLOWS, Cli

LIST = {
    "schemas": {
        "net": {"plural": "nets", "prefix": "/v2.0/nets", "properties": {"id": "string"}},
        "port": {"plural": "ports", "prefix": "/v2.0/ports", "relations": {"net_id": "nat"}},
    }
}


def test_a_schema_list_becomes_a_folder(bare_cli: Cli) -> None:
    Path("list.json").write_text(json.dumps(LIST))
    done = bare_cli("catalog", "import", "--gohan", "list.json", "--out", "mine")
    assert done.code == 0
    assert done.out == (
        "left out  port.net_id: refers to nat, no type here\n"
        "wrote 2 resource types to mine/resources\n"
        "next: esi-flows lint --partial mine\n"
    )
    assert list(load_catalog(Path("mine")).types) == ["net", "port"]
    again = bare_cli("catalog", "import", "--gohan", "list.json", "--out", "mine")
    assert again.code == 1
    assert "is there already" in again.err


def test_a_list_that_is_none_writes_nothing(bare_cli: Cli) -> None:
    Path("list.json").write_text('{"schemas": {"a": 7, "b": 8}}')
    done = bare_cli("catalog", "import", "--gohan", "list.json", "--out", "mine")
    assert done.code == 1
    assert done.err == (
        "error: list.json cannot be imported\n"
        "  list.json: schema a: is no object\n"
        "  list.json: schema b: is no object\n"
    )
    assert not Path("mine").exists()


def test_schemas_for_editors_are_written(bare_cli: Cli) -> None:
    done = bare_cli("catalog", "schemas", "--flows", FLOWS, "--out", "s")
    assert done.code == 0
    for line in done.out.splitlines():
        path = Path(line)
        assert path.read_text() == (FLOWS / "schemas" / path.name).read_text()
