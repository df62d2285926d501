"""A recorded session with our conductor in place of the original comes out the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import pytest

from esi_flows.catalog.types import HEAT_WORKER
from esi_flows.model import keys
from esi_flows.model.jobs import Job
from esi_flows.store.etcd import EtcdStore
from tests.conformance.comparing import (
    DOCUMENTED,
    comparable,
    comparable_job,
    comparable_store,
    differences,
    unsuffixed,
)
from tests.conformance.recordings import Recording, masked
from tests.conformance.replay import Replayed, replay
from tests.conformance.stand_in_heat import Asked

pytestmark = pytest.mark.corpus

Checked = Iterator[tuple[str, list[str]]]
"""One recorded thing after the other: its kind, and in what ours differs."""


def test_a_replay_comes_out_as_recorded(
    replayed: Recording, store: EtcdStore, count: Callable[[str, bool], None]
) -> None:
    outcome = replay(replayed, store)
    found = []
    for check in (whole_replay, documents, jobs, requests):
        for kind, differing in check(replayed, outcome):
            count(kind, not differing)
            found += differing
    if found:
        pytest.fail("\n".join(["the replay differs (ours | recorded):", *found]), pytrace=False)


def whole_replay(recording: Recording, outcome: Replayed) -> Checked:
    """That it came to its end, and what was in the store then."""
    found = [outcome.stuck] if outcome.stuck else []
    if recording.final_store:
        ours, recorded = comparable_store(outcome.store), comparable_store(recording.final_store)
        for key in sorted(ours.keys() | recorded.keys()):
            found += differences(f"at the end, {key}", ours.get(key), recorded.get(key))
    yield ("replays" if recording.is_complete else "replays of incomplete recordings"), found


def documents(recording: Recording, outcome: Replayed) -> Checked:
    """Every document that was under a key, in order.

    Where not all was recorded, ours may have gone through more.
    """
    written = (event for event in recording.events if event["v"] is not None)
    for key in dict.fromkeys(e["k"] for e in written if e["k"].startswith(tuple(DOCUMENTED))):
        kind = next(kind for root, kind in DOCUMENTED.items() if key.startswith(root))
        recorded = distinct(key, (e["v"] for e in recording.events if e["k"] == key))
        ours = distinct(key, outcome.history.get(key, ()))
        if not recording.is_complete:
            ours = [document for document in ours if document in recorded] or ours
        found = differences(key, ours, recorded)
        for document in recorded:
            if document is not None:
                yield kind, found
                found = [] if ours and document in ours else found[:1]


def jobs(recording: Recording, outcome: Replayed) -> Checked:
    """Every job, posted once, with the parameters and dependencies that were recorded."""
    ours: dict[str, list[Any]] = {}
    for key, found in outcome.history.items():
        if key.startswith(keys.JOBS):
            posted = [document for document in found if document is not None]
            ours.setdefault(unsuffixed(key), []).extend(posted)
    for event, key in recording.written(keys.JOBS):
        job = recording.jobs[key.removeprefix(keys.JOBS)]
        name, unsure = unsuffixed(key), leaving(recording, job)
        mine = [without(unsure, comparable_job(document)) for document in ours.pop(name, ())]
        yield (
            "jobs in replays",
            differences(name, mine, [without(unsure, comparable_job(event["v"]))]),
        )
    for name in ours:
        yield "jobs in replays", [f"{name}: posted | never"]


_ASKED = {"create": "CREATE", "modify": "UPDATE"}
"""What Heat is asked to do for a job that renders a template."""


def requests(recording: Recording, outcome: Replayed) -> Checked:
    """Every request to Heat that was recorded."""
    for expected in recording.document["heat_jobs"]:
        job = recording.jobs.get(expected["job"])
        if job is None or job.action not in _ASKED:
            continue  # from an earlier run, of which only this was recorded; or renders nothing
        asked = asked_for(recording, job, outcome.asked)
        ours = None if asked is None else request_of(asked, expected["params"])
        recorded = {
            "action": _ASKED[job.action],
            "project": job.resource_input["tenant_id"],
            "template": expected["template"],
            "parameters": expected["params"],
            "disable_rollback": True,
            # the earlier version did not log the timeout
            "timeout_mins": expected["timeout"] or (ours or {}).get("timeout_mins"),
        }
        yield "requests to Heat", differences(f"request of {job.id}", ours, recorded)


def request_of(asked: Asked, like: Any) -> dict[str, Any]:
    """A request without its stack's name, hiding the parameters that the recording hides."""
    body = {name: value for name, value in asked.body.items() if name != "stack_name"}
    body["parameters"] = masked(body["parameters"], like)
    return {"action": asked.action, "project": asked.project, **body}


def asked_for(recording: Recording, job: Job, asked: Sequence[Asked]) -> Asked | None:
    """What Heat was asked for by a job: the jobs of a resource came in the recorded order."""
    of_resource = [
        other.id
        for other in recording.jobs.values()
        if other.resource == job.resource and other.handler == HEAT_WORKER
    ]
    name = f"{job.resource_type}_{job.resource_id}"
    of_stack = [request for request in asked if request.name == name]
    number = of_resource.index(job.id)
    return of_stack[number] if number < len(of_stack) else None


def distinct(key: str, found: Iterable[Any]) -> list[Any]:
    """The documents of a key in order, without repeats: writing the same again changes nothing."""
    return [document for document, _ in groupby(comparable(key, d)[1] for d in found)]


def leaving(recording: Recording, job: Job) -> set[str]:
    """Jobs that were about to leave the queue while a job was posted, without the ends of ids.

    The original removed each job on its own, shortly after it had brought its results; here a group
    leaves as a whole, with its state. Whoever is posted between these may find them or not.
    """
    posted = recording.posted_at[job.id]
    path = recording.catalog.path(job.resource)
    begun = min(recording.first(keys.config(path), job.version, posted), posted)
    found = set()
    for other in recording.jobs.values():
        state_key = keys.state(recording.catalog.path(other.resource))
        ends = (
            recording.removed_at.get(other.id),
            recording.first(state_key, other.version, None),
        )
        moments = [moment for moment in ends if moment is not None]
        if moments and min(moments) <= posted and max(moments) >= begun:
            found.add(unsuffixed(other.id))
    return found


def without(job_ids: set[str], stored: list[Any]) -> list[Any]:
    """A comparable job that waits for none of these."""
    handler, job, zero = stored
    return [handler, {**job, "dependency": job["dependency"] - job_ids}, zero]
