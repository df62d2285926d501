"""A catalog whose mappings or templates can never work is told so, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog, Template
from esi_flows.compiler.check import check_catalog
from tests.compiler.support import resource_type, template

FLOWS = Path(__file__).parents[2] / "flows"


def findings(*templates: Template, **choices: Any) -> list[str]:
    catalog = Catalog(
        [
            resource_type("network"),
            resource_type("port", relations={"network_id": "network"}, **choices),
        ],
        templates,
    )
    return [str(finding) for finding in check_catalog(catalog)]


def test_our_own_catalog_has_nothing_wrong() -> None:
    assert check_catalog(load_catalog(FLOWS)) == []


@pytest.mark.parametrize(
    ("mapping", "what"),
    [
        ("Xid", "begins no form"),
        ("Fnetwrok+network_id:name", "did you mean 'network'"),
        ("Mnetwrok:network_id:id", "no resource type 'netwrok'"),
        ({"field": "name", "path": ["networkid"]}, "did you mean 'network_id'"),
        ({"field": "name", "path": ["network_id", "port_id"]}, "no relation of network"),
        ({"concatenate": [{"output_key": "a", "path": ["nix"]}]}, "no relation of port"),
        (
            {
                "if_mapping": {"equal": [{"field": "a", "path": ["nix"]}, 1]},
                "then_mapping": "Ca",
                "else_mapping": "Cb",
            },
            "'nix' is no relation",
        ),
        ({"for_field": "a", "for_mapping": "Fnetwrok+id:name"}, "no resource type"),
    ],
)
def test_mappings_that_can_never_work(mapping: Any, what: str) -> None:
    [found] = findings(template("port", x=mapping), heat_worker="Cport")
    assert "template port, parameter x" in found
    assert what in found


@pytest.mark.parametrize(
    "mapping",
    [
        {"field": "name", "path": ["network_id"]},
        {"field": "name", "path": [{"type": "nix", "id": "x"}], "ignore_missing": True},
        {"field": "name", "path": [{"concatenate": ["network", "_id"]}, "anything"]},
        {"for_field": "a", "for_mapping": {"field": "b", "path": ["anything"]}},
        "Mnetwork:whatever:id",
    ],
)
def test_mappings_that_may_work(mapping: Any) -> None:
    assert findings(template("port", x=mapping), heat_worker="ACpo&Pend") == []


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
    assert what in " ".join(findings(template("port"), heat_worker=choice))


def test_everything_is_found_at_once() -> None:
    found = findings(
        template("port", text="{% macro m() %}", a="X", b="Y"),
        template("odd", text="{{", c="Z"),
        heat_worker="Cprot",
        monitoring_worker="Q",
    )
    assert len(found) == 7


def test_a_joined_choice_is_known_by_its_ends() -> None:
    broken = template("port_a_x", y="Mnix:id:key")
    assert "nix" in " ".join(findings(broken, heat_worker="ACport_&Pa&Pb&C_&Cx"))
    # a template of nobody is checked as far as that goes
    assert len(findings(broken, heat_worker={"constant": None})) == 1
    assert findings(template("port_a_x"), heat_worker="ACport_&Ca_&Cx") == []


def test_a_choice_of_nothing_is_fine() -> None:
    assert findings(heat_worker={"constant": None}) == []
