"""A catalog whose mappings or templates can never work is told so, all at once."""

from __future__ import annotations

from typing import Any

import pytest

from esi_flows.catalog.types import Catalog, Template
from esi_flows.lint.check import check_catalog
from tests.compiler.support import resource_type, template

HOT = """\
heat_template_version: 2013-05-23
parameters: {x: {type: string}}
resources: {a: {type: A, properties: {x: {get_param: x}}}}
outputs: {id: {value: 1}}
"""


def findings(*templates: Template, **choices: Any) -> list[str]:
    catalog = Catalog(
        [
            resource_type("network", heat_worker="Cnetwork"),
            resource_type("port", relations={"network_id": "network"}, **choices),
        ],
        [*templates, template("network", text=HOT, x="Pid")],
    )
    return [str(finding) for finding in check_catalog(catalog)]


def hot(template_id: str, mapping: Any) -> Template:
    return template(template_id, text=HOT, x=mapping)


@pytest.mark.parametrize(
    ("mapping", "what"),
    [
        ("Xid", "begins no form"),
        ("Fnetwrok+network_id:name", "did you mean 'network'"),
        ("Mnetwrok:network_id:id", "no resource type 'netwrok'"),
        ("Fport+network_id:name", "a relation to network, not to port"),
        ({"field": "name", "path": ["networkid"]}, "did you mean 'network_id'"),
        ({"field": "name", "path": ["network_id", "port_id"]}, "no relation of network"),
        ({"field": "a", "path": [{"concatenate": [{"field": "b", "path": ["nix"]}]}]}, "of port"),
        ({"concatenate": [{"output_key": "a", "path": ["nix"]}]}, "no relation of port"),
        (
            {
                "if_mapping": {"equal": [{"field": "a", "path": ["nix"]}, 1]},
                "then_mapping": "Ca",
                "else_mapping": "Cb",
            },
            "if_mapping.equal[0].path[0]: 'nix' is no relation",
        ),
        ({"for_field": "a", "for_mapping": "Fnetwrok+id:name"}, "no resource type"),
        (
            {"for_field": "a", "for_mapping": {"field": "b", "path": ["c"]}},
            "no relation of an item",
        ),
    ],
)
def test_mappings_that_can_never_work(mapping: Any, what: str) -> None:
    [found] = findings(hot("port", mapping), heat_worker="Cport")
    assert "template port: parameter_mappings.x" in found
    assert what in found


@pytest.mark.parametrize(
    "mapping",
    [
        {"field": "name", "path": ["network_id"]},
        {"field": "name", "path": [{"type": "nix", "id": "x"}], "ignore_missing": True},
        {"field": "name", "path": [{"concatenate": ["network", "_id"]}, "anything"]},
        {"for_field": "a", "for_mapping": {"field": "b", "path": [{"type": "port", "id": ""}]}},
        "Mnetwork:whatever:id",
    ],
)
def test_mappings_that_may_work(mapping: Any) -> None:
    assert findings(hot("port", mapping), heat_worker="ACpo&Pend") == []


@pytest.mark.parametrize(
    ("choice", "what"),
    [
        ("Cprot", "did you mean 'port'"),
        ("ACpart_&Pkind", "no such template"),
        ("Vx", "no version"),
        ({"field": "a", "path": ["nix"]}, "no relation of port"),
    ],
)
def test_choices_that_can_never_work(choice: Any, what: str) -> None:
    assert what in " ".join(findings(hot("port", "Pid"), heat_worker=choice))


def test_everything_is_found_at_once() -> None:
    found = findings(
        template("port", text="{% macro m() %}", a="X", b="Y"),
        template("odd", text="{{", c="Z"),
        heat_worker="Cprot",
        monitoring_worker="Q",
    )
    assert len(found) == 7


def test_a_joined_choice_is_known_by_its_ends() -> None:
    broken = hot("port_a_x", "Mnix:id:key")
    assert "nix" in " ".join(findings(broken, heat_worker="ACport_&Pa&Pb&C_&Cx"))
    assert findings(hot("port_a_x", "Pid"), heat_worker="ACport_&Ca_&Cx") == []


def test_a_template_of_nobody_is_checked_as_far_as_that_goes() -> None:
    nobody, broken = findings(hot("port", "Mnix:id:key"), heat_worker={"constant": None})
    assert "no resource type chooses this template" in nobody
    assert "nix" in broken


def test_a_choice_of_nothing_is_fine() -> None:
    assert findings(heat_worker={"constant": None}) == []
