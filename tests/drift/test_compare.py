"""Comparing without a cloud: what is the same to Heat, what is not told, what stays secret."""

from __future__ import annotations

from typing import Any

import pytest

from esi_flows.drift.compare import Told, compare, hidden
from esi_flows.drift.recorded import RecordedStack, Sent
from esi_flows.drift.types import Difference, Kind
from esi_flows.drift.values import as_json
from esi_flows.handlers.heat.view import SeenStack
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import HeatStack
from esi_flows.model.secrets import MASK, Names

TEMPLATE = """\
heat_template_version: 2013-05-23
parameters:
  text: {type: string}
  number: {type: number}
  flag: {type: boolean}
  list: {type: comma_delimited_list}
  tree: {type: json}
  hush: {type: string, hidden: true}
resources:
  vm: {type: OS::Nova::Server, properties: {admin_pass: {get_param: hush}}}
"""


def _compared(
    *, sent: dict[str, Any], heats: dict[str, Any], status: str = "CREATE_COMPLETE", **told: Any
) -> list[Difference]:
    stack = HeatStack("port:1", "port_1", "t", "CREATE_COMPLETE")
    recorded = RecordedStack(ResourceRef("port", "1"), stack, Sent(TEMPLATE, sent))
    seen = SeenStack("id", "port_1", status, "why")
    return list(compare(recorded, Told(seen, environment={"parameters": heats}, **told), Names()))


@pytest.mark.parametrize(
    ("sent", "heats"),
    [
        ({"text": 5}, {"text": "5"}),
        ({"number": 5}, {"number": "5.0"}),
        ({"flag": True}, {"flag": "yes"}),
        ({"list": ["a", "b"]}, {"list": "a, b"}),
        ({"tree": {"a": [1]}}, {"tree": '{"a": [1]}'}),
        ({"text": None}, {}),
        ({"hush": "secret"}, {"hush": "******"}),
    ],
)
def test_what_means_the_same_to_heat_is_no_drift(
    sent: dict[str, Any], heats: dict[str, Any]
) -> None:
    assert _compared(sent=sent, heats=heats) == []


@pytest.mark.parametrize(
    ("sent", "heats"),
    [
        ({"text": "5"}, {"text": "6"}),
        ({"text": "5"}, {}),
        ({}, {"text": "5"}),
        ({"number": 5}, {"number": "five"}),
        ({"flag": True}, {"flag": "no"}),
        ({"list": ["a", "b"]}, {"list": "b,a"}),
        ({"tree": {"a": [1]}}, {"tree": "{"}),
    ],
)
def test_what_means_something_else_is(sent: dict[str, Any], heats: dict[str, Any]) -> None:
    (difference,) = _compared(sent=sent, heats=heats)
    assert (difference.kind, len(difference.values)) == (Kind.PARAMETERS, 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("UPDATE_FAILED", Kind.FAILED),
        ("CHECK_FAILED", Kind.FAILED),
        ("DELETE_IN_PROGRESS", Kind.IN_PROGRESS),
        ("SUSPEND_COMPLETE", Kind.SUSPENDED),
    ],
)
def test_the_status_says_what_is_wrong(status: str, kind: Kind) -> None:
    (difference,) = _compared(sent={}, heats={}, status=status)
    assert difference.kind is kind


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "CHECK_COMPLETE", "RESUME_COMPLETE"])
def test_a_status_that_is_as_good_is_no_drift(status: str) -> None:
    assert _compared(sent={}, heats={}, status=status) == []


def test_hidden_and_encrypted_parameters_are_named() -> None:
    environment = {"parameters": {"a": "******", "b": "x"}, "encrypted_param_names": ["c"]}
    assert hidden(environment) == ("a", "c")


def test_a_password_written_into_a_template_is_masked() -> None:
    changed = as_json(TEMPLATE)
    assert changed is not None
    changed["resources"]["vm"]["properties"] |= {"user_password": "hunter2", "name": "vm"}
    (difference,) = _compared(sent={}, heats={}, template=changed)
    assert any(MASK in line for line in difference.lines)
    assert any("+      name: vm" in line for line in difference.lines)
    assert "hunter2" not in str(difference)
    # what differs in nothing else is told all the same
    changed = as_json(TEMPLATE)
    assert changed is not None
    changed["resources"]["vm"]["properties"]["user_password"] = "hunter3"
    (difference,) = _compared(sent={}, heats={}, template=changed)
    assert difference.lines


@pytest.mark.parametrize("text", ["[", "&a [*a]", "- list", "[" * 5000])
def test_a_template_that_is_none_is_not_read(text: str) -> None:
    assert as_json(text) is None
