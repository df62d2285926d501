"""Every template is rendered, and its parameters are resolved, as was recorded."""

from __future__ import annotations

from typing import Any

import pytest

from esi_flows.catalog.types import HEAT_WORKER
from esi_flows.compiler.parameters import resolve
from esi_flows.compiler.templates import (
    DEFAULT_TIMEOUT_MINUTES,
    render_heat,
    split_values,
    template_for,
)
from tests.conformance.plugin import KIND
from tests.conformance.recordings import Recording, masked

pytestmark = pytest.mark.corpus


def test_a_heat_job_sends_what_was_recorded(
    rendering: tuple[Recording, dict[str, Any]], record_property: Any
) -> None:
    recording, expected = rendering
    job = recording.jobs.get(expected["job"])
    if job is None:
        record_property(KIND, "renderings of runs whose jobs were not recorded")
        assert_some_template_renders(recording, expected)
        return
    record_property(KIND, "renderings")
    template = template_for(job.resource_type, job.resource_input, HEAT_WORKER, recording.catalog)
    assert template is not None
    values = resolve(job.params, lambda resource: recording.outputs(resource, expected["t"]))
    request = render_heat(template, values)
    assert request.template == expected["template"]
    assert masked(request.parameters, expected["params"]) == expected["params"]
    assert masked(split_values(values)[1], expected["jinja"]) == expected["jinja"]
    # the earlier version did not log the timeout
    if expected["timeout"] is not None:
        assert request.timeout_minutes == expected["timeout"]
    elif "heat_timeout" not in values:
        assert request.timeout_minutes == DEFAULT_TIMEOUT_MINUTES


def assert_some_template_renders(recording: Recording, expected: dict[str, Any]) -> None:
    """Which template it was is not known; one of them must give this text."""
    texts = [
        render_heat(template, expected["jinja"]).template
        for template in recording.catalog.templates.values()
        if template.handler == HEAT_WORKER
        and set(template.parameter_mappings)
        >= (expected["params"].keys() | expected["jinja"].keys())
    ]
    assert expected["template"] in texts
