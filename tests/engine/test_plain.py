"""Whatever a task brings is encoded, and can be read again."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import uuid
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esi_flows.engine import plain
from esi_flows.model import codec


class Login:
    """Something with a secret in its text."""

    def __repr__(self) -> str:
        return "Login(password='hunter2')"


class Colour(enum.Enum):
    RED = "red"


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def test_json_stays_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "ä\ud800"], "b": {}}
    assert codec.loads("k", plain.encode(value)) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ((1, 2), [1, 2]),
        ({7}, [7]),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Colour.RED, "red"),
        ({1: "a"}, {"1": "a"}),
        ({(1, 2): "a"}, {"(1, 2)": "a"}),
        (math.nan, "nan"),
        ([math.inf], ["inf"]),
    ],
)
def test_what_json_does_not_know_is_kept_as_near_as_can_be(value: Any, kept: Any) -> None:
    assert codec.loads("k", plain.encode(value)) == kept


def test_a_number_that_python_does_not_print_is_left_out() -> None:
    assert json.loads(plain.encode([10**5000, 10**4000])) == ["<16610 bits>", 10**4000]


def test_of_an_object_only_the_type_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    raw = plain.encode({"who": Login(), ("a", "b"): Login()})
    assert json.loads(raw)["who"] == f"<{__name__}.Login>"
    assert b"hunter2" not in raw
    assert "hunter2" not in caplog.text
    assert "only the type of a value is kept" in caplog.text


def test_what_is_in_itself_is_cut() -> None:
    value: dict[str, Any] = {"a": 1}
    value["self"] = [value]
    assert json.loads(plain.encode(value))["self"] == ["<dict, left out>"]


@pytest.mark.parametrize("depth", [plain.MAX_DEPTH - 1, plain.MAX_DEPTH + 1, 5000])
def test_what_is_nested_too_deeply_is_cut_where_it_can_still_be_read(depth: int) -> None:
    read = codec.loads("k", plain.encode({"results": nested(depth)}))
    assert (b"bottom" in plain.encode(read)) == (depth < plain.MAX_DEPTH)


def test_what_grows_without_end_is_cut() -> None:
    value: list[Any] = [math.nan]
    for _ in range(100):
        value = [value, value]
    assert len(plain.encode(value)) < 50 * plain.MAX_VALUES


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    )
)
def test_anything_can_be_written_and_read(value: Any) -> None:
    codec.loads("k", plain.encode(value))
