"""Every recorded change of a configuration compiles to the jobs that were recorded for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from esi_flows.compiler.changes import compile_change
from esi_flows.compiler.groups import JobGroup, NotWorkable
from esi_flows.compiler.queue import Queue
from esi_flows.model import codec
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, Job, OnFailure, Parameter, ResourceRef
from tests.conformance.plugin import KIND
from tests.conformance.recordings import Case

pytestmark = [pytest.mark.corpus, pytest.mark.kind("cases")]


class Related:
    """The other documents that had been read."""

    def __init__(self, documents: Iterable[dict[str, Any]]) -> None:
        self._intents = {
            ResourceRef(d["resource_type"], d["resource_id"]): Intent(d["body"], d["version"])
            for d in documents
        }

    def intent(self, resource: ResourceRef) -> Intent | None:
        return self._intents.get(resource)


def queued(entry: dict[str, Any]) -> Job:
    resources = tuple(ResourceRef(*r) for r in entry["resources"])
    return Job(
        id=entry["id"],
        job_name="",
        action=Action.CREATE,
        handler=entry["handler"],
        resource_type=entry["resource_type"],
        resource_id=entry["resource_id"],
        version=1,
        resource_input={},
        params=(Parameter("read", "value", None, resources),),
        is_first=True,
        is_last=True,
        on_failure=OnFailure.FAIL,
        dependency=(),
    )


def compile_case(case: Case) -> JobGroup | NotWorkable:
    document = case.document
    config, previous = document["config"], document["previous"]
    queue = Queue()
    for entry in document["queue"]:
        queue.add(queued(entry))
    return compile_change(
        case.resource,
        Intent(config["body"], config["version"], config["marked_for_deletion"]),
        memo=None if previous is None else Memo(previous["body"], previous["version"]),
        documents=Related(document["related"]),
        catalog=case.catalog,
        queue=queue,
        suffix=lambda: "?????",
    )


def comparable(jobs: list[Any]) -> list[Any]:
    """Jobs as compared: parameters by name, resources as multisets, dependencies as sets."""
    result = []
    for handler, job, zero in jobs:
        params = {
            p["param"]: (
                p["type"],
                p["value"],
                Counter((r["resource_type"], r["resource_id"]) for r in p["resources"]),
            )
            for p in job["params"]
        }
        dependency = set(job["dependency"])
        result.append((handler, {**job, "params": params, "dependency": dependency}, zero))
    return result


def test_a_change_compiles_to_the_recorded_jobs(
    case: Case, record_property: Callable[[str, object], None]
) -> None:
    expected = case.document["expect"]
    for _ in expected.get("jobs", ()):
        record_property(KIND, "jobs")
    compiled = compile_case(case)
    if "state" in expected:
        assert compiled == NotWorkable(case.resource, case.document["config"]["version"])
        return
    assert isinstance(compiled, JobGroup)
    stored = [codec.loads(job.id, job.encode()) for job in compiled.jobs]
    assert comparable(stored) == comparable(expected["jobs"])
    assert compiled.action == expected["action"]
    assert set(compiled.waits_for) == set(expected["jobs"][0][1]["dependency"])
