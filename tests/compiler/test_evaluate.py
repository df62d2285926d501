"""Every form of mapping gives the value, the type and the resources that were recorded for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from esi_flows.compiler import mapping as m
from esi_flows.compiler.configuration import Configuration
from esi_flows.compiler.evaluate import MAX_ITEMS, Value, evaluate
from esi_flows.compiler.parser import parse
from esi_flows.model.errors import MappingError, MissingDocument
from esi_flows.model.jobs import ResourceRef
from tests.compiler.support import CATALOG, Written, mappings, values

ME = ResourceRef("port", "p1")
NET, SUB = ResourceRef("network", "n1"), ResourceRef("subnet", "s1")
DOCUMENTS = Written.of(
    {
        "network:n1": {"id": "n1", "name": "blue", "ports": [{"n": 1}, {"n": 2}]},
        "subnet:s1": {"id": "s1", "network_id": "n1", "cidr": "10.0.0.0/24"},
    }
)
BODY = {
    "id": "p1",
    "name": None,
    "up": True,
    "network_id": "n1",
    "subnet_id": "s1",
    "gone_id": "nowhere",
    "empty_id": "",
    "number": 7,
    "kind": "network",
    "inner": {"a": {"b": 5}},
    "addresses": [{"subnet": "s1"}, {"subnet": "s1"}],
    "subnets": ["s1"],
    "none": [],
}


def value_of(source: Any, body: Any = BODY, documents: Any = DOCUMENTS) -> Value:
    return evaluate(parse(source), Configuration(ME, body, 3), documents=documents, catalog=CATALOG)


def output(resource: ResourceRef, key: str) -> dict[str, str]:
    return {"output_key": key, "resource_type": resource.type, "resource_id": resource.id}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("C60", "60"),
        ({"constant": 60}, 60),
        ("Pid", "p1"),
        ("Pname", None),
        ("Pabsent", None),
        ("Pnetwork_id", "n1"),
        ("Vauto_filled", 3),
        ({"version": "auto_filled"}, 3),
        ("Oinner:a:b", 5),
        ({"nested": ["inner", "a"]}, {"b": 5}),
        ("Oinner:absent:b", None),
        ("Oname:b", None),
        ("ACport_&Pid", "port_p1"),
        ("APname&Pup&Pnumber", "true7"),
        ({"concatenate": [{"field": "id"}, "_x"]}, "p1_x"),
        ({"field": "id"}, "p1"),
        ({"field": "absent"}, None),
        ({"field": "empty_id"}, ""),
    ],
)
def test_values_that_are_read_from_nothing_else(source: Any, value: Any) -> None:
    assert value_of(source) == Value("value", value)


@pytest.mark.parametrize(
    ("source", "value", "resources"),
    [
        ("Fnetwork+network_id:name", "blue", (NET,)),
        ("Fsubnet+subnet_id:network+network_id:name", "blue", (SUB, NET)),
        ("Fnetwork+network_id:absent", None, (NET,)),
        ("AFnetwork+network_id:name&C_x&Fsubnet+subnet_id:cidr", "blue_x10.0.0.0/24", (NET, SUB)),
        ({"field": "network_id"}, "n1", (NET,)),
        ({"field": "name", "path": ["network_id"]}, "blue", (NET,)),
        (
            {"field": "name", "path": [{"type": "subnet", "id": "subnet_id"}, "network_id"]},
            "blue",
            (SUB, NET),
        ),
        (
            {"field": "name", "path": [{"concatenate": [{"field": "kind"}, "_id"]}]},
            "blue",
            (NET,),
        ),
        # a path that ends in a relation: its target too, as without a path
        (
            {"field": "network_id", "path": [{"type": "subnet", "id": "subnet_id"}]},
            "n1",
            (SUB, NET),
        ),
    ],
)
def test_values_read_from_others_name_every_step(
    source: Any, value: Any, resources: tuple[ResourceRef, ...]
) -> None:
    assert value_of(source) == Value("value", value, resources)


@pytest.mark.parametrize(
    ("source", "value", "resources"),
    [
        ("Mnetwork:network_id:id", output(NET, "id"), (NET,)),
        # the reference alone, whether or not the other is known yet
        ("Mnetwork:gone_id:id", output(ResourceRef("network", "nowhere"), "id"), None),
        ({"output_key": "fq_name"}, output(ME, "fq_name"), ()),
        (
            {"output_key": "id", "path": [{"type": "subnet", "id": "subnet_id"}, "network_id"]},
            output(NET, "id"),
            (SUB, NET),
        ),
    ],
)
def test_outputs_stay_references(source: Any, value: Any, resources: Any) -> None:
    if resources is None:
        resources = (ResourceRef(value["resource_type"], value["resource_id"]),)
    assert value_of(source) == Value("output_key", value, resources)


def choice(condition: Any) -> dict[str, Any]:
    return {
        "if_mapping": condition,
        "then_mapping": {"field": "network_id"},
        "else_mapping": {"constant": None},
    }


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"equal": [{"field": "id"}, "p1"]}, True),
        ({"equal": [{"field": "id"}, {"constant": "p2"}]}, False),
        ({"equal": [{"field": "up"}, 1]}, False),
        ({"equal": [{"field": "number"}, 7.0]}, True),
        ({"equal": [{"field": "name"}, None]}, True),
        ({"equal": [{"field": "inner"}, {"constant": {"a": {"b": 5}}}]}, True),
        ({"equal": [{"field": "subnets"}, {"constant": ["s2"]}]}, False),
        ({"equal": [{"output_key": "id"}, {"constant": "p1"}]}, False),
        ({"regexp": [{"field": "kind"}, "net|sub"]}, True),
        ({"regexp": [{"field": "kind"}, "work"]}, False),
        ({"regexp": [{"field": "name"}, ""]}, False),
        ({"regexp": [{"field": "number"}, "7"]}, False),
    ],
)
def test_a_choice_is_its_branch_and_the_condition_adds_nothing(condition: Any, holds: bool) -> None:
    expected = Value("value", "n1", (NET,)) if holds else Value("value", None)
    assert value_of(choice(condition)) == expected


def test_a_loop_of_values_is_one_value() -> None:
    source = {
        "for_field": {"field": "ports", "path": ["network_id"]},
        "for_mapping": {"field": "n"},
    }
    assert value_of(source) == Value("value", [1, 2], (NET,))


def test_a_loop_of_outputs_is_a_list_with_the_resources_outside() -> None:
    step = {"type": "subnet", "id": "subnet"}
    looped = value_of(
        {"for_field": "addresses", "for_mapping": {"output_key": "id", "path": [step]}}
    )
    assert looped.resources == (SUB, SUB)
    parameter = looped.parameter("jinja_subnets").to_json()
    element = {
        "param": "jinja_subnets",
        "type": "output_key",
        "value": output(SUB, "id"),
        "resources": [],
    }
    assert (parameter["type"], parameter["value"]) == ("list", [element, element])


def test_a_plain_item_is_reached_with_an_empty_id() -> None:
    source = {
        "for_field": "subnets",
        "for_mapping": {"field": "cidr", "path": [{"type": "subnet", "id": ""}]},
    }
    assert value_of(source) == Value("value", ["10.0.0.0/24"], (SUB,))


@pytest.mark.parametrize("field", ["none", "absent", "name"])
def test_a_loop_over_nothing_is_an_empty_list(field: str) -> None:
    assert value_of({"for_field": field, "for_mapping": {"output_key": "id"}}) == Value("value", [])


def test_an_item_has_no_relations_of_its_own() -> None:
    body = {"items": [{"network_id": "n1"}]}
    mapping = {"for_field": "items", "for_mapping": {"field": "network_id"}}
    assert value_of(mapping, body) == Value("value", ["n1"])


def test_a_document_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingDocument) as caught:
        value_of({"field": "name", "path": [{"type": "network", "id": "gone_id"}]})
    assert caught.value.missing == "network:nowhere"


@pytest.mark.parametrize("field", ["absent", "name", "empty_id"])
def test_an_id_that_is_not_there_cannot_be_waited_for(field: str) -> None:
    with pytest.raises(MappingError, match=field) as caught:
        value_of({"field": "name", "path": [{"type": "network", "id": field}]})
    assert not isinstance(caught.value, MissingDocument)


@pytest.mark.parametrize("field", ["absent", "name", "empty_id", "gone_id"])
def test_what_is_missing_can_be_ignored(field: str) -> None:
    path = [{"type": "subnet", "id": "subnet_id"}, {"type": "network", "id": field}]
    documents = Written.of({"subnet:s1": {"gone_id": "nowhere"}})
    ignored = {"field": "name", "path": path, "ignore_missing": True}
    assert value_of(ignored, documents=documents) == Value("value", "")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ({"field": "name", "path": ["subnet_id"]}, "no relation of port"),
        ({"field": "name", "path": [{"type": "network", "id": "number"}]}, "no id"),
        ({"field": "name", "path": [{"type": "network", "id": ""}]}, "loop"),
        ("Mnetwork:empty_id:id", "names no network"),
        ("AMnetwork:network_id:id", "not known yet"),
        ({"for_field": "id", "for_mapping": "Pid"}, "goes over a list"),
        ({"for_field": {"output_key": "id"}, "for_mapping": "Pid"}, "goes over a list"),
        ({"for_field": "subnets", "for_mapping": "Pid"}, "no field"),
        ({"for_field": "addresses", "for_mapping": {"field": "a", "path": ["b"]}}, "an item"),
        (choice({"regexp": [{"field": "id"}, {"field": "number"}]}), "no pattern"),
        (choice({"regexp": [{"field": "id"}, "(a+)+"]}), "repeats a group"),
    ],
)
def test_what_does_not_fit_is_an_error(source: Any, what: str) -> None:
    with pytest.raises(MappingError, match=what):
        value_of(source)


def test_no_error_shows_a_value() -> None:
    secret = "k3ep-th1s"
    with pytest.raises(MappingError) as caught:
        value_of({"for_field": "password", "for_mapping": "Pid"}, {"password": secret})
    assert secret not in f"{caught.value.message} {caught.value.hint}"


def test_nested_loops_cannot_grow_without_end() -> None:
    body = {"items": [{"items": [{}] * 200}] * 200}
    source = {
        "for_field": "items",
        "for_mapping": {"for_field": "items", "for_mapping": "Cx"},
    }
    with pytest.raises(MappingError, match=f"more than {MAX_ITEMS}"):
        value_of(source, body)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(mappings, values)
def test_evaluation_gives_a_value_or_a_mapping_error(mapping: m.Mapping, body: Any) -> None:
    body = {"x": "x", "a": body, "id": "x", "network_id": "x"}
    documents = Written.of({f"{t}:x": body for t in ("x", "port", "network")})
    try:
        found = evaluate(mapping, Configuration(ME, body, 1), documents=documents, catalog=CATALOG)
    except MappingError:
        return
    parameter = found.parameter("p")
    assert parameter.from_json("a job", parameter.to_json()) == parameter
