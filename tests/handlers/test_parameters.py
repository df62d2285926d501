"""Numbers stay numbers, as recorded, but where a pattern is all that Heat would look at."""

from __future__ import annotations

from typing import Any

import pytest

from esi_flows.handlers.heat.parameters import as_sent

PATTERNED = """
heat_template_version: 2015-04-30
parameters:
  vlan: {type: string, constraints: [{allowed_pattern: "[0-9]+"}]}
  mtu: {type: number}
  name: {type: string}
"""


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"vlan": 7}, {"vlan": "7"}),
        ({"vlan": "7", "mtu": 9000}, {"vlan": "7", "mtu": 9000}),
        ({"vlan": True}, {"vlan": True}),
        ({"name": 5, "mtu": 1.5}, {"name": 5, "mtu": 1.5}),
        ({"other": 5}, {"other": 5}),
    ],
)
def test_only_a_pattern_needs_a_text(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert as_sent(PATTERNED, given) == sent


@pytest.mark.parametrize("template", ["", "[", "- 1", "parameters: 1", "parameters: {vlan: }"])
def test_of_a_template_that_is_none_all_is_sent_as_it_is(template: str) -> None:
    assert as_sent(template, {"vlan": 7}) == {"vlan": 7}
