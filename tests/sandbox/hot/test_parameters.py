"""Parameters that are given, missing, wrong, constrained or hidden."""

from __future__ import annotations

from typing import Any

import pytest
from heatclient import exc

TEMPLATE = """heat_template_version: 2013-05-23
parameters:
  p: {type: %s%s}
outputs:
  o: {value: {get_param: p}}
"""
NUMBER_TEXT = "could not convert string to float: 'abc'"


@pytest.mark.parametrize(
    ("kind", "given", "value", "shown"),
    [
        ("string", 5, "5", "5"),
        ("string", True, "True", "True"),
        ("number", "5", 5, "5"),
        ("number", "5.5", 5.5, "5.5"),
        ("boolean", "yes", True, "True"),
        ("json", {"a": 1}, {"a": 1}, '{"a": 1}'),
        ("json", "[1]", [1], "[1]"),
        ("json", [], [], "[]"),
        ("comma_delimited_list", "a,b", ["a", "b"], "a,b"),
        ("comma_delimited_list", ["a", 1], ["a", "1"], "a,1"),
        ("comma_delimited_list", "", [], ""),
    ],
)
def test_a_parameter_is_converted_and_shown_as_text(
    heat: Any, kind: str, given: Any, value: Any, shown: str
) -> None:
    heat.stacks.create(stack_name="s", template=TEMPLATE % (kind, ""), parameters={"p": given})
    stack = heat.stacks.get("s")
    assert stack.parameters["p"] == shown
    assert stack.outputs[0]["output_value"] == value
    assert type(stack.outputs[0]["output_value"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "extra", "given", "reason"),
    [
        ("number", "", "abc", NUMBER_TEXT),
        ("json", "", "{a", "Value must be valid JSON: Expecting property name"),
        ("boolean", "", "yep", "Unrecognized value 'yep', acceptable values are: '0', '1', 'f'"),
        (
            "comma_delimited_list",
            "",
            5,
            "Value must be a comma-delimited list string: 'int' object has no attribute 'split'",
        ),
        (
            "string",
            ", constraints: [{length: {max: 2}}]",
            "abc",
            "length (3) is out of range (min: None, max: 2)",
        ),
        (
            "number",
            ", constraints: [{range: {min: 2, max: 3}}]",
            "9",
            "9 is out of range (min: 2, max: 3)",
        ),
        (
            "string",
            ", constraints: [{allowed_values: [b, c]}]",
            "q",
            '"q" is not an allowed value ["b", "c"]',
        ),
        (
            "string",
            ', constraints: [{allowed_pattern: "[a-z]+"}]',
            "12",
            '"12" does not match pattern "[a-z]+"',
        ),
        (
            "string",
            ", constraints: [{length: {max: 2}, description: too long}]",
            "abc",
            "too long",
        ),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_heats_message(
    heat: Any, kind: str, extra: str, given: Any, reason: str
) -> None:
    with pytest.raises(exc.HTTPBadRequest) as refused:
        heat.stacks.create(
            stack_name="s", template=TEMPLATE % (kind, extra), parameters={"p": given}
        )
    assert str(refused.value).startswith(f"ERROR: Parameter 'p' is invalid: {reason}")


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("p: {default: a}", "Missing parameter type for parameter: p"),
        ("p: {type: foo}", "Invalid type (foo)"),
        ("p: {type: string, foo: 1}", "Invalid key 'foo' for parameter (p)"),
        ("p: string", "Invalid parameter (p), expected a mapping"),
        (
            "p: {type: number, default: abc}",
            f"Parameter 'p' is invalid: {NUMBER_TEXT}",
        ),
        (
            "p: {type: number, default: 5, constraints: [{range: {min: 6}}]}",
            "Parameter 'p' is invalid: Invalid default 5 (5 is out of range (min: 6, max: None))",
        ),
        (
            "p: {type: string, constraints: [{foo: 1}]}",
            "Invalid key 'foo' for parameter constraints",
        ),
        (
            "p: {type: string, constraints: [{allowed_values: a}]}",
            "AllowedValues must be a list",
        ),
        (
            "p: {type: string, constraints: [{range: {min: 1}}]}",
            "Parameter 'p' is invalid: Range constraint invalid for string",
        ),
    ],
)
def test_a_declaration_that_is_none_is_refused(heat: Any, declaration: str, message: str) -> None:
    template = f"heat_template_version: 2013-05-23\nparameters:\n  {declaration}\n"
    with pytest.raises(exc.HTTPBadRequest) as refused:
        heat.stacks.create(stack_name="s", template=template)
    assert str(refused.value) == f"ERROR: {message}"


def test_a_missing_parameter_is_named(heat: Any) -> None:
    with pytest.raises(exc.HTTPBadRequest, match=r"The Parameter \(p\) was not provided\."):
        heat.stacks.create(stack_name="s", template=TEMPLATE % ("string", ""))


def test_null_is_no_value_but_takes_the_default(heat: Any) -> None:
    template = TEMPLATE % ("string", ", default: x")
    heat.stacks.create(stack_name="s", template=template, parameters={"p": None})
    assert heat.stacks.get("s").outputs[0]["output_value"] == "x"
    with pytest.raises(exc.HTTPBadRequest, match="was not provided"):
        heat.stacks.create(
            stack_name="t", template=TEMPLATE % ("string", ""), parameters={"p": None}
        )


def test_a_parameter_the_template_does_not_know_is_named(heat: Any) -> None:
    with pytest.raises(exc.HTTPBadRequest, match=r"The Parameter \(zz\) was not defined in"):
        heat.stacks.create(
            stack_name="s", template=TEMPLATE % ("string", ""), parameters={"p": "1", "zz": "1"}
        )


def test_a_hidden_parameter_is_masked_and_still_used(heat: Any) -> None:
    template = TEMPLATE % ("string", ", hidden: true")
    heat.stacks.create(stack_name="s", template=template, parameters={"p": "canary"})
    stack = heat.stacks.get("s")
    assert stack.parameters["p"] == "******"
    assert stack.outputs[0]["output_value"] == "canary"


def test_the_stack_tells_who_it_is(heat: Any) -> None:
    made = heat.stacks.create(stack_name="s", template=TEMPLATE % ("string", ", default: x"))
    shown = heat.stacks.get("s").parameters
    assert shown["OS::stack_id"] == made["stack"]["id"]
    assert shown["OS::stack_name"] == "s"
    assert shown["OS::project_id"] == heat.stacks.get("s").stack_user_project_id


def test_the_environment_gives_parameters_defaults_and_types(heat: Any, stacks: Any) -> None:
    template = TEMPLATE % ("string", "") + "resources: {r: {type: Foo::Bar, properties: {x: 1}}}\n"
    environment = {
        "parameters": {"p": "from environment"},
        "parameter_defaults": {"p": "default", "unused": 1},
        "resource_registry": {"Foo::Bar": "OS::Heat::None"},
    }
    heat.stacks.create(stack_name="s", template=template, environment=environment)
    assert heat.stacks.get("s").outputs[0]["output_value"] == "from environment"
    with pytest.raises(exc.HTTPBadRequest, match='environment has wrong section "zz"'):
        heat.stacks.create(stack_name="t", template=template, environment={"zz": 1})
