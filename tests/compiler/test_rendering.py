"""Templates render as recorded, and hostile ones end in an error, soon."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esi_flows.compiler.budget import MAX_BUILT, CostsTooMuch, size_of
from esi_flows.compiler.rendering import check_template, render
from esi_flows.model.errors import TemplateError
from tests.compiler.support import values

BIG = "x" * 1_000_000


def rendered(text: str, **given: Any) -> str:
    return render("t", text, given, max_size=10_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\n", "plain"),
        ("{{ none }}|{{ missing }}|{{ yes }}", "None||True"),
        ("{% for a in missing %}x{% endfor %}{% if missing %}y{% endif %}", ""),
        ("{{ item.a }}{{ item['b'] }}{{ item.c }}{{ items[1] }}", "12two"),
        ("{% for i in items %}{{ loop.index0 }}{{ i }};{% endfor %}", "0one;1two;"),
        ("{% set i = 'ip_' + (0|string) %}{{ i }}", "ip_0"),
        ("{% set p = address.split('/') %}{{ p[0] }}", "10.0.0.1"),
        ("{{ number + 3 }}{{ number * 2 }}{{ -number }}{{ 7 // 2 }}{{ 7 % 4 }}", "54-233"),
        ("{{ 'a' ~ number ~ none }}", "a2None"),
        ("{{ name | replace(':', '-') }}{{ name | replace(':', '-', 1) }}", "a-b-ca-b:c"),
        ("{{ 'compute:x' | match('compute') }}{{ none | match('compute') }}", "TrueFalse"),
        ("{{ item | tojson }}{{ missing | default('d') }}", '{"a": 1, "b": 2}d'),
        ("{{ items | join(',') }}{{ items | length }}{{ items | first | upper }}", "one,two2ONE"),
        ("{% for k, v in item.items() %}{{ k }}{{ v }}{% endfor %}", "a1b2"),
        ("{% for d in ['one', 'two'] if d != 'one' %}{{ d }}{% endfor %}", "two"),
        ("{{ range(3) | list }}{{ [number, 1] }}{{ {'a': number} }}", "[0, 1, 2][2, 1]{'a': 2}"),
        ("{{ odd.copy }}{{ odd.missing }}", "mine"),
        ("{{ objects | map(attribute='n') | join }}", "12"),
        ("{% if 'e' in name %}y{% elif name == 'a:b:c' %}z{% endif %}", "z"),
    ],
)  # fmt: skip
def test_what_templates_say_is_plain_jinja(text: str, expected: str) -> None:
    given = {
        "none": None,
        "yes": True,
        "number": 2,
        "name": "a:b:c",
        "address": "10.0.0.1/24",
        "item": {"a": 1, "b": 2},
        "odd": {"copy": "mine"},
        "items": ["one", "two"],
        "objects": [{"n": 1}, {"n": 2}],
    }
    assert rendered(text, **given) == expected


HOSTILE = {
    "long range": "{% for a in range(10**9) %}{% endfor %}",
    "nested loops": "{% for a in range(9999) %}" * 3 + "{{ a }}" + "{% endfor %}" * 3,
    "wide loop": "{% for a in range(9999) %}" + "{% if a %}{% endif %}" * 900 + "{% endfor %}",
    "long output": "{% for a in range(9999) %}" + "y" * 9999 + "{% endfor %}",
    "times": "{{ 'a' * 10**9 }}",
    "list times": "{{ [0] * 10**9 }}",
    "power": "{{ 10**10**10 }}",
    "growing number": "{% set a = 9 %}" + "{% set a = a * a %}" * 60,
    "doubled text": "{% set a = 'abcdefgh' %}" + "{% set a = a ~ a %}" * 60,
    "added text": "{% set a = 'abcdefgh' %}" + "{% set a = a + a %}" * 60,
    "doubled list": "{% set a = ['a'] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
    "doubled tuple": "{% set a = (1, 2) %}" + "{% set a = (a, a) %}" * 60 + "{{ a }}",
    "doubled object": "{% set a = {} %}" + "{% set a = {'x': a, 'y': a} %}" * 60 + "{{ a }}",
    "macro": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "recursive loop": "{% for x in [1] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "loop called": "{% for x in [1] %}{{ loop([1, 2]) }}{% endfor %}",
    "block": "{% block a %}{{ self.a() }}{% endblock %}",
    "block set": "{% set a %}x{% endset %}",
    "namespace": "{% set n = namespace(a=1) %}{% set n.a = 2 %}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}",
    "extends": "{% extends 'x' %}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "class": "{{ ''.__class__.__mro__ }}",
    "class by filter": "{{ '' | attr('__class__') }}",
    "class by item": "{{ ''['__class__'] }}",
    "format": "{{ '%1000000000d' % 1 }}",
    "format method": "{{ '{:>1000000000}'.format(1) }}",
    "format map": "{{ '{a:>1000000000}'.format_map({'a': 1}) }}",
    "center": "{{ 'a'.center(10**9) }}",
    "join method": "{{ big.join(['a', 'b']) }}",
    "replace": "{{ big | replace('x', big) }}",
    "join": "{{ range(9999) | join(big) }}",
    "lipsum": "{{ lipsum(n=10**6) }}",
    "compare": "{% for a in range(9999) %}{% if big == big2 %}{% endif %}{% endfor %}",
    "contain": "{% for a in range(9999) %}{% if 'y' in big %}{% endif %}{% endfor %}",
    "slice": "{% for a in range(9999) %}{% if big[1:] %}{% endif %}{% endfor %}",
    "filter": "{% for a in range(9999) %}{% if big | upper %}{% endif %}{% endfor %}",
    "method": "{% for a in range(9999) %}{% if big.upper() %}{% endif %}{% endfor %}",
    "test": "{% for a in range(9999) %}{% if big is eq(big2) %}{% endif %}{% endfor %}",
    "pattern": "{{ big | match('(x+)+y') }}",
    "deep": "{{ " + "(" * 9_000 + "1" + ")" * 9_000 + " }}",
    "long sum": "{{ " + "1+" * 4_000 + "1 }}",
    "nested ifs": "{% if 1 %}" * 900 + "{% endif %}" * 900,
    "nested fors": "{% for a in [1] %}" * 50 + "{% endfor %}" * 50,
    "many parts": "{{ a }}" * 20_000,
    "long": "x" * 300_000,
    "no template": "{% for %}",
    "no end": "{% if a %}",
    "unknown filter": "{{ 1 | rot13 }}",
    "unknown call": "{{ nothing() }}",
    "none looped": "{% for a in none %}{% endfor %}",
    "text and number": "{{ 'a' + 1 }}",
    "undefined inside": "{{ nothing.at.all }}",
    "by zero": "{{ 1 / 0 }}",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_or_wrong_ends_in_an_error(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(TemplateError, match=r"^template t") as caught:
        rendered(text, big=BIG, big2=BIG[:-1] + "z", none=None)
    # what is promised is a bound, not this number; the slowest takes about a second
    assert time.perf_counter() - started < 20
    assert len(caught.value.message) < 500
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "line"), [("a\n{{ 1 / 0 }}", 2), ("a\nb\n{% for %}", 3), ("{% macro m() %}", 1)]
)
def test_an_error_tells_the_line(text: str, line: int) -> None:
    with pytest.raises(TemplateError, match=f"template t, line {line}: "):
        rendered(text)


def test_values_cannot_reach_what_keeps_the_count() -> None:
    with pytest.raises(TemplateError, match="steps"):
        render(
            "t",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            {" budget": None, "budget": None},
            max_size=10,
        )


def test_a_template_can_be_checked_without_values() -> None:
    check_template("t", "{{ anything.at.all }}")
    with pytest.raises(TemplateError, match="macro is not allowed"):
        check_template("t", "{% macro m() %}{% endmacro %}")


def test_the_size_of_a_value_counts_what_it_would_be_written_out() -> None:
    shared: Any = "abc"
    for _ in range(40):
        shared = [shared, shared]
    assert size_of({"a": [1, "bc"]}) == 1 + 2 + 1 + 1 + 3
    with pytest.raises(CostsTooMuch):
        size_of(shared, MAX_BUILT)


PIECES = ["{{ ", " }}", "{% for i in ", "{% endfor %}", "{% if ", " %}", "{% endif %}"]
PIECES += ["{% set a = ", "a", "b", "i", "'", "[0]", ".x", "+", "~", "=="]
PIECES += [" | ", "length", "string", "join"]


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), values), st.data())
def test_any_template_renders_or_is_refused(given_values: dict[str, Any], data: Any) -> None:
    pieces = st.sampled_from(PIECES)
    text = "".join(data.draw(st.lists(pieces, max_size=12)))
    try:
        result = render("t", text, given_values, max_size=5_000)
    except TemplateError:
        return
    assert len(result) <= 5_000
