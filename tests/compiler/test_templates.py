"""A template becomes what its handler needs: a request to Heat, or what is to be monitored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.templates import (
    render_heat,
    render_monitoring,
    template_for,
    template_of,
)
from esi_flows.model.errors import TemplateError
from esi_flows.model.jobs import Parameter, ResourceRef
from tests.compiler.support import Written, resource_type, template
from tests.plugins import make_job


def test_values_are_told_apart_by_name() -> None:
    request = render_heat(
        template("t", text="{% for n in jinja_n %}{{ n }};{% endfor %}{{ name }}\n"),
        {"name": "a", "gateway": None, "jinja_n": [1, 2], "heat_timeout": "13"},
    )
    assert request.template == "1;2;"
    assert request.parameters == {"name": "a", "gateway": None}
    assert request.timeout_minutes == 13


@pytest.mark.parametrize(("given", "minutes"), [({}, 10), ({"heat_timeout": None}, 10), (3, 3)])
def test_the_time_heat_has(given: Any, minutes: int) -> None:
    values = given if isinstance(given, dict) else {"heat_timeout": given}
    assert render_heat(template("t"), values).timeout_minutes == minutes


@pytest.mark.parametrize("given", ["soon", "", 0, -1, "1.5", [], 2.5])
def test_a_time_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(TemplateError, match="heat_timeout"):
        render_heat(template("t"), {"heat_timeout": given})


def test_a_monitoring_template_sees_every_value() -> None:
    request = render_monitoring(
        template("t", text="vmi: {type: virtual_machine_interface, uuid: {{ uuid }}}"),
        {"uuid": "u-1", "jinja_x": 1},
    )
    assert [(e.name, dict(e.properties)) for e in request.entries] == [("vmi", {"uuid": "u-1"})]


CATALOG = Catalog(
    [
        resource_type("device", heat_worker="ACdevice_&Pkind"),
        resource_type("zone", heat_worker="ACdevice_&Fdevice+device_id:kind"),
        resource_type("idle"),
    ],
    [template("device_new"), template("device_old", "monitoring_worker")],
)


@pytest.mark.parametrize(
    ("type_name", "body", "expected"),
    [
        ("device", {"kind": "new"}, "device_new"),
        ("device", {"kind": "old"}, None),
        ("device", {}, None),
        ("idle", {}, None),
        ("unheard_of", {}, None),
    ],
)
def test_the_template_of_a_body(type_name: str, body: Any, expected: str | None) -> None:
    chosen = template_for(type_name, body, "heat_worker", CATALOG)
    assert (chosen.id if chosen else None) == expected


def test_a_choice_may_depend_on_other_resources() -> None:
    documents = Written.of({"device:d1": {"kind": "new"}})
    chosen = template_for("zone", {"device_id": "d1"}, "heat_worker", CATALOG, documents=documents)
    assert chosen is CATALOG.templates["device_new"]


@pytest.mark.parametrize(
    ("names", "kind", "expected"),
    [
        (["a"], "one", "device_one"),
        # the newer configuration chooses another one, or none
        (["a"], "two", "device_one"),
        (["a"], None, "device_one"),
        # the template has changed since
        (["x"], "two", "device_two"),
        (["x"], None, None),
    ],
)
def test_the_template_of_a_job(names: list[str], kind: str | None, expected: str | None) -> None:
    catalog = Catalog(
        [resource_type("device", heat_worker="ACdevice_&Pkind")],
        [
            template("device_one", a="Pid"),
            template("device_two", b="Pid"),
            template("watched", "monitoring_worker", a="Pid"),
        ],
    )
    job = make_job(
        "a job",
        handler="heat_worker",
        resource=ResourceRef("device", "d1"),
        params=tuple(Parameter(name, "value", None) for name in names),
    )
    job = replace(job, resource_input={"kind": kind})
    chosen = template_of(job, catalog)
    assert (chosen.id if chosen else None) == expected
