"""Hostile texts: they are refused, and the cloud goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.hot.text import MAX_BYTES, parse_mapping


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines)


def _hostile() -> Iterator[tuple[str, str]]:
    yield "alias bomb", _bomb()
    yield "alias to itself", "a: &a [*a]"
    yield "deep lists", "a: " + "[" * 50_000
    yield "deep maps", "{a: " * 50_000
    yield "deep blocks", "".join(" " * n + "a:\n" for n in range(500))
    yield "too big", "a: " + "x" * MAX_BYTES
    yield "python object", "a: !!python/object/apply:os.system [id]"
    yield "control characters", "a: \x00"
    yield "lone surrogate", "a: \ud800"
    yield "list as key", "? [a, b]\n: 1"
    yield "many items", "a: [" + "1," * 100_000 + "]"


HOSTILE = dict(_hostile())


@pytest.mark.timeout(20)
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_text_is_refused(what: str) -> None:
    with pytest.raises(CloudError):
        parse_mapping(HOSTILE[what], what="Template")


def test_an_object_that_is_too_deep_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(1000):
        deep = {"a": deep}
    with pytest.raises(CloudError):
        parse_mapping(deep, what="Template")


def test_dates_stay_texts() -> None:
    assert parse_mapping("a: 2013-05-23", what="Template") == {"a": "2013-05-23"}


def test_aliases_may_be_used() -> None:
    assert parse_mapping("a: &x [1]\nb: *x", what="Template") == {"a": [1], "b": [1]}
