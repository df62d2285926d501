"""Whatever a template says, it is planned or refused; nothing else comes of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.hot.functions import dialect_of
from esi_flows.sandbox.resources.registry import TYPES
from esi_flows.sandbox.stacks.evaluation import Evaluation
from esi_flows.sandbox.stacks.plan import made_of
from esi_flows.sandbox.stacks.request import parse_request

NAMES = st.sampled_from(["a", "b", "p", "value", "template", "params", "min", "max", "md5", ","])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
FUNCTIONS = st.sampled_from(dialect_of("2021-04-16").functions)


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(NAMES, inner, max_size=3),
        st.dictionaries(FUNCTIONS, inner, min_size=1, max_size=1),
    )


VALUES = st.recursive(st.one_of(SCALARS, NAMES), _deeper, max_leaves=12)
PROPERTY_NAMES = st.sampled_from(sorted({n for t in TYPES.values() for n in t.properties}))
RESOURCES = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from(sorted(TYPES)), VALUES)},
    optional={
        "properties": st.one_of(st.dictionaries(PROPERTY_NAMES, VALUES, max_size=4), VALUES),
        "depends_on": VALUES,
        "metadata": VALUES,
    },
)
PARAMETERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "number", "boolean", "json", "comma_delimited_list"])},
    optional={
        "default": VALUES,
        "hidden": VALUES,
        "constraints": st.lists(
            st.dictionaries(
                st.sampled_from(["length", "range", "allowed_values", "allowed_pattern"]),
                VALUES,
                max_size=1,
            ),
            max_size=2,
        ),
    },
)
TEMPLATES = st.fixed_dictionaries(
    {"heat_template_version": st.just("2021-04-16")},
    optional={
        "parameters": st.one_of(st.dictionaries(NAMES, PARAMETERS, max_size=2), VALUES),
        "resources": st.one_of(st.dictionaries(NAMES, RESOURCES, max_size=3), VALUES),
        "outputs": st.one_of(
            st.dictionaries(NAMES, st.fixed_dictionaries({"value": VALUES}), max_size=2), VALUES
        ),
    },
)


@settings(max_examples=400, deadline=None)
@given(template=TEMPLATES, parameters=st.dictionaries(NAMES, VALUES, max_size=2))
def test_a_template_is_planned_and_shown_or_refused(
    template: dict[str, Any], parameters: dict[str, Any]
) -> None:
    try:
        request = parse_request({"template": template, "parameters": parameters})
        assert request.template is not None
        evaluation = Evaluation(
            request.template, request.source, stack_id="1", stack_name="s", project_id="p"
        )
        made_of(request.template, evaluation, {})
    except CloudError:
        return
    shown = [list(evaluation.outputs()), evaluation.shown_parameters()]
    shown += [evaluation.attributes(name) for name in evaluation.resources]
    assert json.dumps(shown, allow_nan=False)
