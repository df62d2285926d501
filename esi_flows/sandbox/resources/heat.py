"""``OS::Heat::*``: the types that need no cloud, for tests and trials."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from esi_flows.sandbox.resources.types import Kind, Property, ResourceType, of_property

_LONGEST = 1e9
"""The longest wait, in seconds."""

_CLASSES = {
    "lettersdigits": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.digits + "ABCDEF",
    "octdigits": string.octdigits,
}


def _pools(properties: Mapping[str, Any]) -> list[tuple[str, int]]:
    # each pool of characters, with how many of it there must be
    pools = [
        (_CLASSES[each.get("class", "lettersdigits")], int(each.get("min", 1)))
        for each in properties.get("character_classes") or []
    ]
    pools += [
        (str(each["sequence"]), int(each.get("min", 1)))
        for each in properties.get("character_sequences") or []
    ]
    sequence = properties.get("sequence") or "lettersdigits"
    return pools or [(_CLASSES[sequence], 1)]


def _random_value(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    pools = _pools(properties)
    picked = [secrets.choice(pool) for pool, least in pools for _ in range(least)]
    every = "".join(pool for pool, _ in pools)
    picked += [secrets.choice(every) for _ in range(properties["length"] - len(picked))]
    secrets.SystemRandom().shuffle(picked)
    return {"value": "".join(picked)}


def _check_random(properties: Mapping[str, Any]) -> str:
    try:
        pools = _pools(properties)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"Invalid character classes or sequences: {error}"
    if not all(pool for pool, _ in pools):
        return "A character sequence must not be empty"
    if sum(least for _, least in pools) > properties["length"]:
        return (
            "Length property cannot be smaller than combined character class "
            "and character sequence minimums"
        )
    return ""


RANDOM_STRING = ResourceType(
    name="OS::Heat::RandomString",
    description="A random string.",
    named=True,
    reference=lambda made: made.data.get("value"),
    data=_random_value,
    check=_check_random,
    properties={
        "length": Property(Kind.INTEGER, replaces=True, default=32, minimum=1, maximum=512),
        "sequence": Property(Kind.STRING, replaces=True, allowed=tuple(_CLASSES)),
        "character_classes": Property(Kind.LIST, replaces=True),
        "character_sequences": Property(Kind.LIST, replaces=True),
        "salt": Property(Kind.STRING, replaces=True),
    },
    attributes={"value": lambda made: made.data.get("value")},
)


def _check_waits(properties: Mapping[str, Any]) -> str:
    waits = properties.get("action_wait_secs") or {}
    if all(s is None or (isinstance(s, int | float) and s < _LONGEST) for s in waits.values()):
        return ""
    return f"action_wait_secs must be numbers below {_LONGEST:.0f}"


VALUE = ResourceType(
    name="OS::Heat::Value",
    description="A value to be used elsewhere.",
    named=True,
    properties={
        "value": Property(required=True),
        "type": Property(
            Kind.STRING,
            allowed=("string", "number", "comma_delimited_list", "json", "boolean"),
        ),
    },
    attributes={"value": of_property("value")},
)

TEST_RESOURCE = ResourceType(
    name="OS::Heat::TestResource",
    description="Waits and fails as it is told.",
    named=True,
    check=_check_waits,
    properties={
        "value": Property(Kind.STRING, default="test_string"),
        "fail": Property(Kind.BOOLEAN, default=False),
        "update_replace": Property(Kind.BOOLEAN, default=False),
        "update_replace_value": Property(Kind.STRING, replaces=True),
        "wait_secs": Property(Kind.NUMBER, default=0, maximum=_LONGEST),
        "action_wait_secs": Property(Kind.MAP),
        "attr_wait_secs": Property(Kind.NUMBER, default=0),
        "constraint_prop_secs": Property(Kind.NUMBER, default=0),
        "client_name": Property(Kind.STRING, default=""),
        "entity_name": Property(Kind.STRING, default=""),
    },
    attributes={"output": of_property("value")},
)

NONE = ResourceType(
    name="OS::Heat::None",
    description="Stands in for anything and does nothing.",
    properties={},
    open_ended=True,
)

TYPES = (RANDOM_STRING, VALUE, TEST_RESOURCE, NONE)
