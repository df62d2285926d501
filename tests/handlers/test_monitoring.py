"""What the monitoring handler tells the collector: targets come and go with the job's outcome."""

from __future__ import annotations

import json
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.handlers.base import Outcome, Run
from esi_flows.handlers.monitoring import MonitoringHandler
from esi_flows.model import keys
from esi_flows.model.errors import EsiFlowsError, HandlerError
from esi_flows.model.jobs import Action, Job, OnFailure, Parameter, ResourceRef
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import HeatStack, Target
from tests.handlers.conftest import Records, drive

PATH = ResourcePath("v2.0/networks", "n1")
NETWORK = ResourceRef("network", "n1")

TARGETS = """\
network:
  type: virtual_network
  uuid: {{ uuid | tojson }}
session:
  type: bgp_session
  peer: {{ peer | tojson }}
counters:
  type: kafka_messenger
  kafka_topic: traffic
"""


def a_run(records: Records, template: str = TARGETS) -> Run:
    catalog = Catalog(
        [
            ResourceType(
                type="network",
                prefix="/v2.0",
                plural="networks",
                template_mappings={"monitoring_worker": "Cwatched"},
            )
        ],
        [
            Template(
                id="watched",
                handler="monitoring_worker",
                parameter_mappings={},
                template_file=template,
            )
        ],
    )
    return Run(catalog, records)


def a_job(action: Action = Action.CREATE, *, version: int = 1, peer: str = "10.0.0.1") -> Job:
    output = {"output_key": "id", "resource_type": "network", "resource_id": "n1"}
    return Job(
        id=f"{action}:monitoring_worker:network:n1:{version}:abcde",
        job_name=f"network:n1:{version}",
        action=action,
        handler="monitoring_worker",
        resource_type="network",
        resource_id="n1",
        version=version,
        resource_input={"id": "n1", "tenant_id": "t1"},
        params=(
            Parameter("uuid", "output_key", output, (NETWORK,)),
            Parameter("peer", "value", peer),
        ),
        is_first=True,
        is_last=True,
        on_failure=OnFailure.FAIL,
        dependency=(),
    )


@pytest.fixture
def records() -> Records:
    output: Any = {"output_key": "id", "output_value": "the-uuid"}
    stack = HeatStack("network:n1", "network_n1", "t1", "CREATE_COMPLETE", output=(output,))
    return Records(stack=stack)


@pytest.fixture
def handler() -> MonitoringHandler:
    return MonitoringHandler()


def written(outcome: Outcome) -> dict[str, Target | None]:
    return {
        write.key: Target.decode(write.key, write.value) if write.value is not None else None
        for write in outcome.writes
    }


def test_a_creation_adds_a_target_per_section(handler: MonitoringHandler, records: Records) -> None:
    outcome = drive(handler.execute(a_job(version=3), a_run(records)))
    targets = written(outcome)
    assert set(targets) == {keys.target(PATH, n) for n in ("network", "session", "counters")}
    network = targets[keys.target(PATH, "network")]
    assert network is not None
    assert (network.name, network.type, network.topic) == (
        "network",
        "virtual_network",
        "monitor_virtual_network",
    )
    assert (network.resource_type, network.tenant_id, network.version) == ("networks", "t1", 3)
    assert network.properties["uuid"] == "the-uuid"


def test_how_a_target_is_to_be_asked_is_told_and_is_no_property(
    handler: MonitoringHandler, records: Records
) -> None:
    template = """\
api:
  type: http
  url: http://192.0.2.1/health
  interval_seconds: 30
  timeout_seconds: 2.5
  hold_options: {positive_status: [UP], time_seconds: 60}
"""
    outcome = drive(handler.execute(a_job(), a_run(records, template)))
    target = written(outcome)[keys.target(PATH, "api")]
    assert target is not None
    assert (target.interval_seconds, target.timeout_seconds) == (30, 2.5)
    assert target.hold_options == {"positive_status": ["UP"], "time_seconds": 60}
    assert target.properties == {"url": "http://192.0.2.1/health"}


@pytest.mark.parametrize(
    "member",
    [
        "interval_seconds: -1",
        "interval_seconds: .inf",
        "timeout_seconds: soon",
        "hold_options: [UP]",
    ],
)
def test_how_no_target_can_be_asked_is_refused(
    handler: MonitoringHandler, records: Records, member: str
) -> None:
    template = f"api:\n  type: http\n  {member}\n"
    with pytest.raises(EsiFlowsError, match=member.partition(":")[0]):
        drive(handler.execute(a_job(), a_run(records, template)))


def test_what_is_wanted_is_reported(handler: MonitoringHandler, records: Records) -> None:
    outcome = drive(handler.execute(a_job(), a_run(records)))
    assert outcome.job_state == {
        "state_monitoring": {"network": "ACTIVE", "session": "ESTABLISHED"}
    }
    assert json.dumps(outcome.job_state)


def test_the_same_job_twice_brings_the_same(handler: MonitoringHandler, records: Records) -> None:
    first, second = (drive(handler.execute(a_job(), a_run(records))) for _ in range(2))
    assert first == second


def test_a_deletion_removes_what_a_creation_added(
    handler: MonitoringHandler, records: Records
) -> None:
    added = drive(handler.execute(a_job(), a_run(records)))
    removed = drive(handler.execute(a_job(Action.DELETE, version=2), a_run(records)))
    assert written(removed) == dict.fromkeys(written(added))
    assert removed.job_state == {}


def test_reverting_a_creation_removes_its_targets(
    handler: MonitoringHandler, records: Records
) -> None:
    done = drive(handler.execute(a_job(), a_run(records)))
    undone = drive(handler.revert(a_job(), a_run(records), done))
    assert written(undone) == dict.fromkeys(written(done))


def test_reverting_a_deletion_adds_its_targets_again(
    handler: MonitoringHandler, records: Records
) -> None:
    job = a_job(Action.DELETE, version=2)
    done = drive(handler.execute(job, a_run(records)))
    undone = drive(handler.revert(job, a_run(records), done))
    assert set(written(undone)) == set(written(done))
    assert None not in written(undone).values()


@pytest.mark.parametrize("action", [Action.CREATE, Action.DELETE])
def test_reverting_what_never_came_to_an_outcome_does_nothing(
    handler: MonitoringHandler, records: Records, action: Action
) -> None:
    assert drive(handler.revert(a_job(action), a_run(records), None)) == Outcome()


def test_an_output_that_is_not_recorded_is_named(handler: MonitoringHandler) -> None:
    with pytest.raises(EsiFlowsError, match="network:n1"):
        drive(handler.execute(a_job(), a_run(Records())))


def test_a_template_that_is_gone_is_an_error_with_advice(
    handler: MonitoringHandler, records: Records
) -> None:
    bare = Run(
        Catalog([ResourceType(type="network", prefix="/v2.0", plural="networks")], []), records
    )
    with pytest.raises(HandlerError) as raised:
        drive(handler.execute(a_job(), bare))
    assert raised.value.hint
