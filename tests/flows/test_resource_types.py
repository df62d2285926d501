"""The resource types: relations, schemas, template choice, and the page that lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from esi_flows.catalog.types import HEAT_WORKER, MONITORING_WORKER, Catalog, ResourceType
from esi_flows.compiler.templates import template_for
from esi_flows.lint.check import check_catalog

TYPES = {
    "tenant": (None, None),
    "network": ("network", "network_monitoring"),
    "subnet": ("subnet", None),
    "port": ("port", "port_monitoring"),
    "edge_router": (None, "edge_router_monitoring"),
    "er_physical_interface": (None, "er_physical_interface_monitoring"),
    "ha_router": (None, "ha_router_monitoring"),
    "ha_interface": (None, "ha_interface_monitoring"),
    "ese_device": ("ese_device_existing", "ese_device_monitoring"),
    "ese_physical_port": ("ese_physical_port_existing", "ese_physical_port_monitoring"),
    "ese_logical_port": ("ese_logical_port", "ese_logical_port_monitoring"),
    "internet_service": (None, None),
    "qos_option": (None, None),
    "public_ip_pool": (None, None),
    "internet_gateway": ("internet_gateway", "internet_gateway_monitoring"),
    "public_ip": ("public_ip", None),
    "gw_interface": ("gw_interface_internet", "gw_interface_monitoring"),
    "static_route": ("static_route_internet", None),
}
"""Templates by type, for a body of the kind below."""

BODY = {"id": "x", "existing": "existing", "service_type": "internet", "device_owner": "compute:z"}

ELSEWHERE = {"common_function_gateway"}
"""Types that mappings name and that this catalog leaves out: what points to them is never there."""


def choice(catalog: Catalog, resource_type: str, **body: Any) -> tuple[str | None, ...]:
    """Ids of the templates that both handlers choose for a body."""
    chosen = (
        template_for(resource_type, {**BODY, **body}, handler, catalog)
        for handler in (HEAT_WORKER, MONITORING_WORKER)
    )
    return tuple(template.id if template is not None else None for template in chosen)


def test_nothing_is_wrong_with_the_catalog(catalog: Catalog) -> None:
    assert check_catalog(catalog) == []


def test_the_catalog_has_these_types(catalog: Catalog) -> None:
    assert catalog.types.keys() == TYPES.keys()


@pytest.mark.parametrize("resource_type", TYPES)
def test_handlers_choose_the_recorded_templates(resource_type: str, catalog: Catalog) -> None:
    assert choice(catalog, resource_type) == TYPES[resource_type]


def test_switches_and_their_ports_are_taken_over_or_registered(catalog: Catalog) -> None:
    assert choice(catalog, "ese_device", existing="new")[0] == "ese_device_new"
    assert choice(catalog, "ese_physical_port", existing="new")[0] == "ese_physical_port_new"


@pytest.mark.parametrize("owner", ["network:dhcp", "network:empty"])
def test_ports_that_only_keep_an_address_are_not_built(owner: str, catalog: Catalog) -> None:
    assert choice(catalog, "port", device_owner=owner) == (None, None)


@pytest.mark.parametrize("owner", ["network:gw_interface", "physical_port", "", None])
def test_other_ports_are_built_and_watched(owner: str | None, catalog: Catalog) -> None:
    assert choice(catalog, "port", device_owner=owner) == ("port", "port_monitoring")


def test_relations_and_paths_lead_to_types_of_the_catalog(catalog: Catalog) -> None:
    for known in catalog.types.values():
        assert set(known.relations.values()) <= catalog.types.keys(), known.type
    named = {name for t in catalog.templates.values() for name in _types_in(t.parameter_mappings)}
    assert named - catalog.types.keys() == ELSEWHERE


def test_relation_fields_are_in_the_schema(catalog: Catalog) -> None:
    for known in catalog.types.values():
        assert known.relations.keys() <= known.schema["properties"].keys(), known.type


@pytest.mark.parametrize("resource_type", TYPES)
def test_schemas_are_valid_and_tell_what_each_field_is(
    resource_type: str, catalog: Catalog
) -> None:
    known = catalog.types[resource_type]
    jsonschema.Draft202012Validator.check_schema(known.schema)
    assert "id" in known.schema["required"]
    assert set(known.schema["required"]) <= known.schema["properties"].keys()
    for name, described in known.schema["properties"].items():
        assert described.get("title"), f"{resource_type}.{name}"


def test_fields_that_templates_follow_are_required(catalog: Catalog) -> None:
    gateway = catalog.types["internet_gateway"]
    assert "downlink_interface_id" in gateway.schema["required"]
    assert _is_valid(catalog.types["port"], device_owner="network:dhcp")
    assert not _is_valid(catalog.types["port"], device_owner="network:gw_interface")
    assert _is_valid(catalog.types["port"], device_owner="network:gw_interface", device_id="g")


def test_fields_of_gohan_that_are_not_known_here_are_allowed(catalog: Catalog) -> None:
    assert _is_valid(catalog.types["port"], operational_state="UP", security_groups=[])


def test_passwords_are_declared_as_secrets(catalog: Catalog) -> None:
    holding = {t.type for t in catalog.types.values() if "password" in t.schema["properties"]}
    assert holding == {"edge_router", "ese_device"}
    assert {t.type for t in catalog.types.values() if "password" in t.secrets} == holding


def test_the_page_of_the_catalog_lists_every_type(flows: Path, catalog: Catalog) -> None:
    page = (flows / "README.md").read_text()
    assert set(re.findall(r"^\| \[(\w+)\]", page, re.MULTILINE)) == catalog.types.keys()


def _is_valid(known: ResourceType, **body: Any) -> bool:
    minimal = {"id": "p", "tenant_id": "t", "network_id": "n", "fixed_ips": [], **body}
    return jsonschema.Draft202012Validator(known.schema).is_valid(minimal)


def _types_in(mapping: Any) -> Iterator[str]:
    """Names of the types that mappings step to."""
    if isinstance(mapping, str):
        if mapping.startswith("M"):
            yield mapping[1:].split(":")[0]
        yield from re.findall(r"[F:](\w+)\+", mapping)
    elif isinstance(mapping, list):
        for element in mapping:
            yield from _types_in(element)
    elif isinstance(mapping, dict):
        if mapping.keys() == {"type", "id"}:
            yield mapping["type"]
        for value in mapping.values():
            if not isinstance(value, str) or value.startswith(("M", "F")):
                yield from _types_in(value)
