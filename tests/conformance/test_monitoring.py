"""What monitoring jobs announce and report is what was recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from esi_flows.catalog.types import MONITORING_WORKER
from esi_flows.compiler.monitoring import MonitoringRequest, message
from esi_flows.compiler.parameters import resolve
from esi_flows.compiler.templates import render_monitoring, template_for
from esi_flows.model.jobs import Action, Job
from tests.conformance.recordings import Recording

pytestmark = pytest.mark.corpus

END_OF_TIME = "9"


def request_of(recording: Recording, job: Job) -> MonitoringRequest:
    template = template_for(
        job.resource_type, job.resource_input, MONITORING_WORKER, recording.catalog
    )
    assert template is not None
    values = resolve(job.params, lambda resource: recording.outputs(resource, END_OF_TIME))
    return render_monitoring(template, values)


def messages_of(recording: Recording, job: Job) -> list[tuple[str, Any]]:
    return [
        (
            entry.topic,
            message(
                entry,
                action=job.action,
                plural=recording.catalog.types[job.resource_type].plural,
                resource_id=job.resource_id,
                tenant_id=job.resource_input["tenant_id"],
                version=job.version,
            ),
        )
        for entry in request_of(recording, job).entries
        if entry.topic
    ]


def unordered(messages: list[tuple[str, Any]]) -> list[str]:
    # recorded in the order of a Python 2 dict
    return sorted(json.dumps(entry, sort_keys=True) for entry in messages)


@pytest.mark.kind("monitoring jobs (messages)")
def test_a_monitoring_job_announces_what_was_recorded(monitored: tuple[Recording, Job]) -> None:
    recording, job = monitored
    posts = recording.document["monitoring_posts"]
    expected = [(post["topic"], post["v"]) for post in posts if post["job"] == job.id]
    assert unordered(messages_of(recording, job)) == unordered(expected)
    consumed = [
        (entry["topic"], entry["v"])
        for entry in recording.document["kafka_log"]
        if (entry["v"]["gohan_id"], entry["v"]["version"]) == (job.resource_id, job.version)
        and entry["v"]["action"] == job.action
    ]
    assert set(unordered(consumed)) <= set(unordered(expected))


@pytest.mark.kind("monitoring jobs (reported states)")
def test_a_monitoring_job_reports_what_was_recorded(monitored: tuple[Recording, Job]) -> None:
    recording, job = monitored
    if job.action is not Action.CREATE:
        pytest.skip("what is no longer monitored is not reported")  # nothing was recorded of it
    path = recording.catalog.path(job.resource)
    recorded = [
        event["v"]["state"]
        for event, key in recording.written(f"/state/{path}")
        if event["v"]["version"] == job.version
    ]
    if not recorded:
        pytest.skip("the state was not recorded")  # there is nothing to compare with
    entries = request_of(recording, job).entries
    reported = {e.name: e.reported_status for e in entries if e.reported_status is not None}
    assert json.loads(recorded[-1]["state_monitoring"]) == reported
