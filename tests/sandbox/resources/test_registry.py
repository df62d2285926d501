"""All types: they are listed with their schemas, and every one can be made."""

from __future__ import annotations

from typing import Any

import pytest
from heatclient import exc

from esi_flows.sandbox.resources.registry import TYPES
from esi_flows.sandbox.resources.types import Kind, Property, ResourceType

_SAMPLES: dict[Kind, Any] = {
    Kind.STRING: "text",
    Kind.INTEGER: 1,
    Kind.NUMBER: 1,
    Kind.BOOLEAN: True,
    Kind.LIST: ["a"],
    Kind.MAP: {},
    Kind.ANY: "anything",
}


def _sample(declared: Property) -> Any:
    return declared.allowed[0] if declared.allowed else _SAMPLES[declared.kind]


def _template(known: ResourceType) -> dict[str, Any]:
    required = {n: _sample(p) for n, p in known.properties.items() if p.required}
    outputs = {name: {"value": {"get_attr": ["r", name]}} for name in known.attributes}
    return {
        "heat_template_version": "2013-05-23",
        "resources": {"r": {"type": known.name, "properties": required}},
        "outputs": {**outputs, "ref": {"value": {"get_resource": "r"}}},
    }


@pytest.mark.parametrize("name", TYPES)
def test_a_resource_of_every_type_can_be_made_and_shown(
    heat: Any, clock: Any, stacks: Any, name: str
) -> None:
    heat.stacks.create(stack_name="s", template=_template(TYPES[name]))
    clock.advance(600)
    assert stacks.state()[0] == "CREATE_COMPLETE"
    assert stacks.outputs()["ref"]
    shown = heat.resources.get("s", "r")
    assert shown.resource_type == name
    assert set(shown.attributes) == set(TYPES[name].attributes)


@pytest.mark.parametrize("name", TYPES)
def test_every_required_property_is_required(heat: Any, name: str) -> None:
    known = TYPES[name]
    for required in [n for n, p in known.properties.items() if p.required]:
        template = _template(known)
        del template["resources"]["r"]["properties"][required]
        with pytest.raises(exc.HTTPBadRequest, match=f"Property {required} not assigned"):
            heat.stacks.create(stack_name="s", template=template)


def test_types_are_listed_and_have_schemas(heat: Any) -> None:
    listed = [t.resource_type for t in heat.resource_types.list()]
    assert set(listed) == set(TYPES)
    schema = heat.resource_types.get("OS::Contrail::VirtualNetwork")
    assert schema["properties"]["name"] == {
        "type": "string",
        "required": True,
        "update_allowed": True,
        "immutable": False,
    }
    assert set(schema["attributes"]) == {"name", "fq_name", "route_targets"}
    with pytest.raises(exc.HTTPNotFound, match=r"The Resource Type \(Foo\) could not be found"):
        heat.resource_types.get("Foo")
