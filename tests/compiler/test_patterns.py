"""Patterns match at the start of a text, and none of them can run away."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esi_flows.compiler.patterns import MAX_TEXT, PatternRefused, matches_start


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("network:dhcp|network:empty", "network:dhcp", True),
        ("network:dhcp|network:empty", "a network:dhcp", False),
        ("compute", "compute:zone", True),
        ("a.*z", "abcz", True),
        (r"[a-f0-9]{8}-", "12345678-", True),
        (r"(?:ab|cd)e", "cde", True),
        (r"\.", "x", False),
    ],
)
def test_patterns_match_at_the_start(pattern: str, text: str, expected: bool) -> None:
    assert matches_start(pattern, text) is expected


def test_alternatives_of_the_whole_pattern_may_be_many() -> None:
    assert matches_start("|".join(f"kind{n}" for n in range(40)), "kind39")


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|a)*b",
        "a*a*a*b",
        "(?=a*)b",
        "(?P<x>a)(?P=x)",
        r"(a)\1",
        "(a|a)" * 25,
        "a" * 501,
        "(a",
        "[a",
        "[[a]",
    ],
)
def test_patterns_that_may_run_away_are_refused(pattern: str) -> None:
    with pytest.raises(PatternRefused):
        matches_start(pattern, "a" * 40)


def test_repetitions_need_a_short_text() -> None:
    with pytest.raises(PatternRefused, match="characters"):
        matches_start("a*b", "a" * (MAX_TEXT + 1))
    assert matches_start("aa", "a" * (MAX_TEXT + 1))


@given(st.text("a|*+?{}()[]\\1,b.", max_size=30))
@example("[]||")
@example("[^]--")
@example("a?" * 24 + "a" * 24)
@example("a*a*a?a?a?a?b")
def test_every_pattern_ends(pattern: str) -> None:
    with contextlib.suppress(PatternRefused):
        matches_start(pattern, "a" * MAX_TEXT)
