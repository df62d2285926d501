"""Regular expressions out of templates: matched only where the work is bounded beforehand.

Python's matcher backtracks, so a short hostile pattern can keep it busy for years. Every choice a
pattern leaves doubles the work at most, every repetition multiplies it by the length of the text at
most; patterns that could cost more than 2**24 steps are refused, and so is a repeated group.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

MAX_PATTERN = 500
"""Characters a pattern may have."""

MAX_TEXT = 1000
"""Characters of a text that a pattern with repetitions may be matched against."""

MAX_DOUBLINGS = 24
"""How often a pattern may double the work."""

_REPEAT_DOUBLINGS = 10  # 2**10 > MAX_TEXT

_RESERVED = ("[", "||", "--", "&&", "~~")

_TOKEN = re.compile(
    r"\\.|\[\^?+\]?+(?:\\.|[^\]\\])*+\]|\(\?:|\(|\)[*+?{]?|[*+?|]|\{\d*,?\d*\}|.", re.S
)


class PatternRefused(ValueError):
    """The pattern is no regular expression, or could take too long."""


def matches_start(pattern: str, text: str) -> bool:
    """Whether ``pattern`` matches at the start of ``text``. Raises PatternRefused."""
    compiled, repeats = _compiled(pattern)
    if repeats and len(text) > MAX_TEXT:
        raise PatternRefused(f"{pattern!r} repeats, on a text of more than {MAX_TEXT} characters")
    return compiled.match(text) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> tuple[re.Pattern[str], bool]:
    if len(pattern) > MAX_PATTERN:
        raise PatternRefused(f"a pattern has at most {MAX_PATTERN} characters")
    doublings = sum(_doublings(pattern))
    if doublings > MAX_DOUBLINGS:
        raise PatternRefused(f"{pattern!r} leaves too many choices; write it simpler")
    try:
        return re.compile(pattern), doublings >= _REPEAT_DOUBLINGS
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternRefused(f"{pattern!r} is no regular expression: {error}") from error


def _doublings(pattern: str) -> Iterator[int]:
    """How often each token of the pattern may double the work."""
    depth, previous = 0, ""
    for token in _TOKEN.findall(pattern):
        if token.startswith("("):
            depth += 1
        elif token.startswith(")"):
            depth -= 1
            if token != ")":
                raise PatternRefused(f"{pattern!r} repeats a group, which can take for ever")
        elif token == "|":
            # the branches of the whole pattern are tried one after the other
            yield 1 if depth else 0
        elif token == "?":
            if previous == "(":
                raise PatternRefused(f"{pattern!r} has a group other than (...) and (?:...)")
            yield 1
        elif token in ("*", "+") or (token.startswith("{") and len(token) > 1):
            yield _REPEAT_DOUBLINGS
        elif token == "[" or (token[0] == "[" and any(sign in token[1:] for sign in _RESERVED)):
            raise PatternRefused(f"{pattern!r} has a class that Python cannot read for certain")
        elif token.startswith("\\") and token[1:].isdigit():
            raise PatternRefused(f"{pattern!r} refers back to a group, which can take for ever")
        previous = token
