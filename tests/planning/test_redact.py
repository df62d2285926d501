from __future__ import annotations

from typing import Any

import pytest

from esi_flows.model.jobs import Action, OnFailure
from esi_flows.model.secrets import Names
from esi_flows.planning.redact import Redactor
from esi_flows.planning.types import ParameterChange, PlannedJob, TemplateChange

BODY = {"pin": "open sesame", "code": 4711, "name": "blue", "nested": [{"pin": "x"}]}


def job(change: ParameterChange, *difference: str) -> PlannedJob:
    return PlannedJob(
        action=Action.CREATE,
        handler="heat_worker",
        on_failure=OnFailure.FAIL,
        parameters=(change,),
        template=TemplateChange("t", difference),
    )


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(Names(["pin", "code"]), [BODY])


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("key", "open sesame", "********"),
        ("key", "say open sesame twice", "say ******** twice"),
        ("key", ["open sesame", "blue"], ["********", "blue"]),
        ("key", {"a": {"b": "open sesame"}}, {"a": {"b": "********"}}),
        ("key", 4711, "********"),
        ("key", "x", "********"),
        ("key", "xylophone", "xylophone"),
        ("key", 471, 471),
        ("key", True, True),
        ("password", "anything", "********"),
        ("password", None, None),
        ("name", "blue", "blue"),
    ],
)
def test_a_value_is_masked_by_its_name_and_by_what_it_is(
    redactor: Redactor, name: str, value: Any, shown: Any
) -> None:
    [change] = redactor.job(job(ParameterChange(name, old=value, new=value))).parameters
    assert (change.old, change.new) == (shown, shown)
    assert change.secret == (shown != value)


def test_a_template_that_carries_a_secret_does_not_show_it(redactor: Redactor) -> None:
    redacted = redactor.job(job(ParameterChange("a"), "+key: open sesame", "+name: blue"))
    assert redacted.template is not None
    assert redacted.template.difference == ("+key: ********", "+name: blue")
