"""The types for tests and trials."""

from __future__ import annotations

from typing import Any

import pytest
from heatclient import exc

RANDOM = """
resources: {r: {type: OS::Heat::RandomString, properties: %s}}
outputs: {o: {value: {get_resource: r}}}
"""


@pytest.mark.parametrize(
    ("properties", "pattern"),
    [
        ("{}", r"[A-Za-z0-9]{32}"),
        ("{length: 5, sequence: digits}", r"[0-9]{5}"),
        ("{length: 8, character_classes: [{class: lowercase, min: 8}]}", r"[a-z]{8}"),
        ("{length: 3, character_sequences: [{sequence: xy, min: 3}]}", r"[xy]{3}"),
    ],
)
def test_a_random_string_is_of_what_it_should_be(
    stacks: Any, properties: str, pattern: str
) -> None:
    import re

    stacks.create(RANDOM % properties)
    assert re.fullmatch(pattern, stacks.outputs()["o"])


def test_too_many_least_characters_are_refused(stacks: Any) -> None:
    with pytest.raises(exc.HTTPBadRequest, match="Length property cannot be smaller than combined"):
        stacks.create(RANDOM % "{length: 1, character_classes: [{class: digits, min: 5}]}")


def test_a_test_resource_waits_as_long_as_it_is_told(heat: Any, clock: Any, stacks: Any) -> None:
    template = "resources: {r: {type: OS::Heat::TestResource, properties: {%s}}}\n"
    heat.stacks.create(
        stack_name="s",
        template="heat_template_version: 2013-05-23\n"
        + template % "action_wait_secs: {create: 30}, wait_secs: 1",
    )
    clock.advance(29)
    assert stacks.state()[0] == "CREATE_IN_PROGRESS"
    clock.advance(2)
    assert stacks.state()[0] == "CREATE_COMPLETE"


def test_a_test_resource_can_wait_for_ever(heat: Any, clock: Any, stacks: Any) -> None:
    stacks.create("resources: {r: {type: OS::Heat::TestResource, properties: {wait_secs: -1}}}\n")
    clock.advance(1e6)
    assert stacks.state()[0] == "CREATE_IN_PROGRESS"


def test_none_takes_anything_and_gives_nothing(stacks: Any) -> None:
    stacks.create(
        "resources: {r: {type: OS::Heat::None, properties: {any: thing}}}\n"
        "outputs: {o: {value: {get_attr: [r, whatever]}}}\n"
    )
    assert stacks.outputs() == {"o": None}
