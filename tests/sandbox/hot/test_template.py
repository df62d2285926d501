"""Templates that Heat would refuse, each with Heat's message (compared with Heat 27)."""

from __future__ import annotations

from typing import Any

import pytest
from heatclient import exc

HOT = "heat_template_version: 2013-05-23\n"
TEST = "OS::Heat::TestResource"

REFUSED = {
    "unknown property": (
        f"resources:\n  x: {{type: {TEST}, properties: {{zz: 1}}}}",
        "Property error: resources.x.properties: Unknown Property zz",
    ),
    "missing property": (
        'resources:\n  x: {type: "OS::Heat::Value"}',
        "Property error: resources.x.properties: Property value not assigned",
    ),
    "not a boolean": (
        f"resources:\n  x: {{type: {TEST}, properties: {{fail: maybe}}}}",
        'Property error: resources.x.properties.fail: "maybe" is not a valid boolean',
    ),
    "out of range": (
        'resources:\n  x: {type: "OS::Heat::RandomString", properties: {length: 1000}}',
        "Property error: resources.x.properties.length: 1000 is out of range (min: 1, max: 512)",
    ),
    "unknown type": (
        'resources:\n  x: {type: "OS::Foo::Bar"}',
        "The Resource Type (OS::Foo::Bar) could not be found.",
    ),
    "no type": (
        "resources:\n  x: {properties: {}}",
        "Each resource must contain a type key.",
    ),
    "properties that are a list": (
        f"resources:\n  x: {{type: {TEST}, properties: [1]}}",
        "Resource x properties type must be object",
    ),
    "unknown section": ("resource: {}", "The template section is invalid: resource"),
    "one name twice": (
        f"parameters:\n  x: {{type: string, default: a}}\nresources:\n  x: {{type: {TEST}}}",
        "Duplicate names {'x'}",
    ),
    "unknown resource": (
        f"resources:\n  x: {{type: {TEST}, properties: {{value: {{get_resource: y}}}}}}",
        'The specified reference "y" (in x.Properties.value) is incorrect.',
    ),
    "unknown dependency": (
        f"resources:\n  y: {{type: {TEST}, depends_on: x}}",
        'The specified reference "x" (in y) is incorrect.',
    ),
    "unknown attribute": (
        f"resources:\n  y: {{type: {TEST}}}\n"
        f"  x: {{type: {TEST}, properties: {{value: {{get_attr: [y, zz]}}}}}}",
        "resources.x.properties.value.get_attr: The Referenced Attribute (y zz) is incorrect.",
    ),
    "unknown parameter": (
        f"resources:\n  x: {{type: {TEST}, properties: {{value: {{get_param: y}}}}}}",
        "Property error: resources.x.properties.value: The Parameter (y) was not provided.",
    ),
    "output without value": (
        "outputs:\n  o: {description: a}",
        "Output validation error: outputs.o: Each output definition must contain a value key.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_template_is_refused_with_heats_message(heat: Any, case: str) -> None:
    template, message = REFUSED[case]
    with pytest.raises(exc.HTTPBadRequest) as refused:
        heat.stacks.create(stack_name="s", template=HOT + template)
    assert str(refused.value) == f"ERROR: {message}"
    assert list(heat.stacks.list()) == [], "nothing was made"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("resources: {}", "Template format version not found"),
        ("heat_template_version: 2012-01-01", "should be one of: 2013-05-23, 2014-10-16"),
        ("[1, 2]", "The template is not a JSON object or YAML mapping"),
        ("a: [", "Error parsing template"),
        ("", "Template format version not found"),
        ("AWSTemplateFormatVersion: 2010-09-09", "reads heat_template_version only"),
    ],
)
def test_a_text_that_is_no_template_is_refused(heat: Any, template: str, message: str) -> None:
    with pytest.raises(exc.HTTPBadRequest, match=message):
        heat.stacks.create(stack_name="s", template=template)


def test_resources_that_need_each_other_are_refused(heat: Any) -> None:
    template = f"resources:\n  y: {{type: {TEST}, depends_on: x}}\n"
    template += f"  x: {{type: {TEST}, depends_on: y}}"
    with pytest.raises(exc.HTTPBadRequest, match="Circular Dependency Found"):
        heat.stacks.create(stack_name="s", template=HOT + template)


def test_too_many_resources_are_refused(heat: Any) -> None:
    template = "resources:\n" + "".join(f"  r{n}: {{type: {TEST}}}\n" for n in range(1001))
    with pytest.raises(exc.HTTPBadRequest, match="Maximum resources per stack exceeded"):
        heat.stacks.create(stack_name="s", template=HOT + template)


def test_versions_have_names_too(heat: Any, stacks: Any, clock: Any) -> None:
    heat.stacks.create(stack_name="s", template="heat_template_version: rocky\n")
    clock.advance(600)
    assert stacks.state()[0] == "CREATE_COMPLETE"


def test_a_template_can_be_an_object(heat: Any) -> None:
    heat.stacks.create(stack_name="s", template={"heat_template_version": "2013-05-23"})
    assert heat.stacks.template("s") == {"heat_template_version": "2013-05-23"}
