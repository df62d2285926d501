"""A small catalog, and folders of intents written on the spot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog, ResourceType

Write = Callable[[Mapping[str, str]], Path]


def resource_type(name: str, relations: Mapping[str, str], **properties: Any) -> ResourceType:
    fields = {"id": {"type": "string"}, "name": {"type": "string"}, **properties}
    fields.update({field: {"type": ["string", "array", "null"]} for field in relations})
    return ResourceType(
        type=name,
        prefix="/v2.0",
        plural=f"{name}s",
        relations=dict(relations),
        schema={"type": "object", "properties": fields, "additionalProperties": False},
        secrets=frozenset({"pin"}),
    )


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(
        [
            resource_type("network", {}, vlan={"type": "integer", "maximum": 4094}),
            resource_type("subnet", {"network_id": "network"}, cidr={"type": "string"}),
            resource_type(
                "port",
                {"network_id": "network", "peer_ids": "port"},
                attached={"type": "boolean"},
                kind={"enum": ["vlan", "access"]},
                pin={"type": "string"},
            ),
        ],
        [],
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files below a folder named ``d`` and gives the folder."""

    def write_files(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "d"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    return write_files
