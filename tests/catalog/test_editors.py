"""Editors check with what the loaders check with, and the files say which schema is theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given

from esi_flows.catalog import formats
from esi_flows.catalog.editors import SUFFIX, editor_schemas, schema_text
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.mapping_format import DEFINITIONS, REFERENCE
from esi_flows.compiler import mapping as m
from esi_flows.compiler.parser import parse
from esi_flows.compiler.printer import to_source
from esi_flows.model.errors import MappingError
from tests.compiler.support import mappings

FLOWS = Path(__file__).parents[2] / "flows"
FILES = sorted(str(path.relative_to(FLOWS)) for path in FLOWS.rglob("*.yaml"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
SCHEMAS = editor_schemas(load_catalog(FLOWS))
MAPPING = jsonschema.Draft202012Validator({**REFERENCE, "$defs": DEFINITIONS})


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_beside_the_files_are_current(name: str) -> None:
    kept = (FLOWS / "schemas" / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    assert kept == schema_text(SCHEMAS[name]), "esi-flows catalog schemas --out flows/schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_they_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("file", FILES)
def test_each_file_names_its_schema_and_keeps_it(file: str) -> None:
    path = FLOWS / file
    modeline = MODELINE.match(path.read_text(encoding="utf-8"))
    assert modeline is not None
    schema = (path.parent / modeline[1]).resolve()
    assert schema.parent == FLOWS / "schemas"
    validator = jsonschema.Draft202012Validator(SCHEMAS[schema.name.removesuffix(SUFFIX)])
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert list(validator.iter_errors(document)) == []


def without_mappings(schema: Any) -> Any:
    """A schema with nothing asked of mappings."""
    if isinstance(schema, dict):
        if schema == REFERENCE:
            return "any mapping"
        kept = {name: without_mappings(inner) for name, inner in schema.items() if name != "$defs"}
        return "any mapping" if kept == {"type": ["string", "object"]} else kept
    return [without_mappings(inner) for inner in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(
    ("name", "loaders"), [("resource", formats.RESOURCE), ("template", formats.TEMPLATE)]
)
def test_but_for_mappings_they_ask_what_the_loader_asks(name: str, loaders: Any) -> None:
    editors = {word: SCHEMAS[name][word] for word in loaders}
    assert without_mappings(editors) == without_mappings(loaders)
    assert set(SCHEMAS[name]) - set(loaders) == {"$schema", "title", "$defs"}


@given(mappings)
def test_every_mapping_that_can_be_read_is_allowed(mapping: m.Mapping) -> None:
    source = to_source(mapping)
    assert parse(source) == mapping
    assert list(MAPPING.iter_errors(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "",
        "Xa",
        "P",
        "V",
        "Vnow",
        "Oa::b",
        "Fnetwork:name",
        "Fnetwork+:name",
        "Mnetwork:id",
        7,
        [],
        {},
        {"fields": "a"},
        {"field": ""},
        {"field": "a", "constant": 1},
        {"field": "a", "ignore_missing": "yes"},
        {"field": "a", "path": []},
        {"field": "a", "path": "b"},
        {"field": "a", "path": [{"type": "b"}]},
        {"field": "a", "path": [{"type": "b", "id": 7}]},
        {"output_key": "a", "ignore_missing": True},
        {"nested": []},
        {"concatenate": [7]},
        {"version": "1"},
        {"if_mapping": {"equal": [1, 2]}, "then_mapping": "Ca"},
        {"if_mapping": {"equal": [1]}, "then_mapping": "Ca", "else_mapping": "Cb"},
        {"if_mapping": {"like": [1, 2]}, "then_mapping": "Ca", "else_mapping": "Cb"},
        {"for_field": "a"},
        {"for_field": "", "for_mapping": "Pa"},
    ],
    ids=str,
)
def test_what_no_mapping_is_like_is_refused_by_both(source: Any) -> None:
    with pytest.raises(MappingError):
        parse(source)
    assert list(MAPPING.iter_errors(source)) != []


def test_a_body_is_what_the_schema_of_its_type_says() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMAS["deployment"])
    network = {"type": "network", "id": "n1", "body": {"tenant_id": "t", "name": "blue"}}
    assert list(validator.iter_errors(network)) == []
    assert list(validator.iter_errors({**network, "body": {"tenant_id": "t", "name": 7}})) != []
    assert list(validator.iter_errors({**network, "type": "netwrok"})) != []
