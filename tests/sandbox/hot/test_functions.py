"""What the functions of a template give, as outputs of stacks without resources."""

from __future__ import annotations

from typing import Any

import pytest
from heatclient import exc

HOT = "heat_template_version: 2013-05-23\n"
NEWER = "heat_template_version: 2017-02-24\n"

TEMPLATE = """
parameters:
  text: {type: string, default: abc}
  number: {type: number, default: "5"}
  flag: {type: boolean, default: "yes"}
  list: {type: comma_delimited_list, default: "a,b"}
  json: {type: json, default: {a: [{b: 1}]}}
resources:
  r: {type: OS::Heat::TestResource, properties: {value: {get_param: text}}}
  v: {type: OS::Heat::Value, properties: {value: {a: [1, {b: two}]}}}
outputs:
  o: {value: %s}
"""

MANY = ", ".join(f"k{n}: {n}" for n in range(2000))


@pytest.fixture
def value_of(heat: Any, clock: Any) -> Any:
    def value_of(snippet: str, *, version: str = HOT, **options: Any) -> Any:
        heat.stacks.create(stack_name="s", template=version + TEMPLATE % snippet, **options)
        clock.advance(600)
        return heat.stacks.output_show("s", "o")["output"]

    return value_of


@pytest.mark.parametrize(
    ("snippet", "value"),
    [
        ("{get_param: text}", "abc"),
        ("{get_param: number}", 5),
        ("{get_param: flag}", True),
        ("{get_param: list}", ["a", "b"]),
        ("{get_param: [list, 1]}", "b"),
        ("{get_param: [list, 7]}", ""),
        ("{get_param: json}", {"a": [{"b": 1}]}),
        ("{get_param: [json, a, 0, b]}", 1),
        ("{get_param: [json, a, 0, zz]}", ""),
        ("{get_param: [json, {a: b}]}", ""),
        ("{get_attr: [v, value, [a]]}", None),
        ("{get_param: 'OS::stack_name'}", "s"),
        ("{get_attr: [r, output]}", "abc"),
        ("{get_attr: [v, value, a, 1, b]}", "two"),
        ("{get_attr: [v, value, zz]}", None),
        ("{get_attr: [r, output, zz]}", None),
        ("{str_replace: {template: a-%b%, params: {'%b%': {get_param: number}}}}", "a-5"),
        ("{str_replace: {template: xyz, params: {x: y, y: z, xy: 1}}}", "1z"),
        ("{str_replace: {template: a, params: {a: null}}}", ""),
        ("{str_replace: {template: abcd, params: {ab: 1, bcd: 2}}}", "a2"),
        (
            "{str_replace: {template: k7k, params: {" + MANY + "}}}",
            "7k",
        ),
        ("{list_join: [', ', {get_param: list}]}", "a, b"),
        ("{list_join: ['', [a, 1, null]]}", "a1"),
        ("{a: [{get_param: text}, 1.5, null]}", {"a": ["abc", 1.5, None]}),
        ("{get_param: text, other: 1}", {"get_param": "text", "other": 1}),
    ],
)
def test_a_function_gives_its_value(value_of: Any, snippet: str, value: Any) -> None:
    found = value_of(snippet)
    assert found["output_value"] == value
    assert "output_error" not in found


@pytest.mark.parametrize(
    ("snippet", "value"),
    [
        ("{str_replace: {template: a, params: {a: {b: 1}}}}", '{"b": 1}'),
        ("{list_join: [',', [a], [{b: 1}]]}", 'a,{"b": 1}'),
        ("{str_split: [',', 'a,b']}", ["a", "b"]),
        ("{str_split: [',', 'a,b', 1]}", "b"),
        ("{map_merge: [{a: 1, b: 1}, null, {b: 2}]}", {"a": 1, "b": 2}),
        ("{list_concat: [[1], null, [2]]}", [1, 2]),
        ("{digest: [md5, abc]}", "900150983cd24fb0d6963f7d28e17f72"),
    ],
)
def test_newer_templates_have_more_functions(value_of: Any, snippet: str, value: Any) -> None:
    assert value_of(snippet, version=NEWER)["output_value"] == value


def test_a_function_of_a_newer_version_is_data_to_an_older_one(value_of: Any) -> None:
    found = value_of("{str_split: [',', 'a,b']}")
    assert found["output_value"] == {"str_split": [",", "a,b"]}


def test_files_sent_along_can_be_put_in(value_of: Any) -> None:
    assert value_of("{get_file: f}", files={"f": "text"})["output_value"] == "text"


@pytest.mark.parametrize(
    ("snippet", "error"),
    [
        ("{get_resource: zz}", 'The specified reference "zz" (in unknown) is incorrect.'),
        ("{get_param: zz}", "The Parameter (zz) was not provided."),
        (
            "{str_replace: {template: [a], params: {}}}",
            '"str_replace" template must be a string',
        ),
        (
            f"{{str_replace: {{template: {'a' * 2000}, params: {{a: {'x' * 1000}}}}}}}",
            "the text would be longer than 1000000 characters",
        ),
        ("{list_join: [',', abc]}", '"list_join" must operate on a list'),
        ("{get_file: zz}", 'No content found in the "files" section for get_file path: zz'),
    ],
)
def test_an_output_that_cannot_be_told_has_an_error(
    value_of: Any, snippet: str, error: str
) -> None:
    found = value_of(snippet)
    assert found["output_error"] == error
    assert found["output_value"] is None


@pytest.mark.parametrize(
    ("snippet", "message"),
    [
        ("{get_attr: [r, zz]}", "get_attr: The Referenced Attribute (r zz) is incorrect."),
        ("{get_attr: r}", 'get_attr: Argument to "get_attr" must be a list'),
        ("{str_replace: [a]}", 'str_replace: Arguments to "str_replace" must be a map'),
    ],
)
def test_a_function_that_can_never_work_is_refused(
    value_of: Any, snippet: str, message: str
) -> None:
    with pytest.raises(exc.HTTPBadRequest) as refused:
        value_of(snippet)
    assert str(refused.value) == f"ERROR: outputs.o.value.{message}"
