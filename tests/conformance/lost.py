"""Configurations that the watchers of an incomplete recording lost, put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from esi_flows.model import keys
from tests.conformance.recordings import Recording

_Version = tuple[str, int]


def events_of(recording: Recording) -> list[dict[str, Any]]:
    """The recording's events, each configuration there before anything speaks of its version."""
    if recording.is_complete:
        return recording.events
    known = {(key, event["v"]["version"]) for event, key in recording.written(keys.CONFIG)}
    bodies = dict(_bodies(recording))
    read_at = {_version(recording, case): case["t"] for case in _documents(recording)}
    lost = {v: time for v, time in read_at.items() if v not in known}
    events: list[dict[str, Any]] = []
    for event in recording.events:
        due = [version for version, time in lost.items() if time <= event["t"]]
        spoken_of = _speaks_of(recording, event)
        if spoken_of is not None and spoken_of not in known:
            due.append(spoken_of)
        for version in due:
            lost.pop(version, None)
            if version not in known:
                known.add(version)
                events.append(_put_back(event, version, bodies))
        events.append(event)
    return events


def _documents(recording: Recording) -> list[Mapping[str, Any]]:
    return [case.document for case in recording.cases]


def _version(recording: Recording, case: Mapping[str, Any]) -> _Version:
    type_name, _, identifier = case["resource"].partition(":")
    collection = recording.catalog.types[type_name].collection
    return f"{keys.CONFIG}{collection}/{identifier}", case["config"]["version"]


def _bodies(recording: Recording) -> Iterator[tuple[_Version, dict[str, Any]]]:
    """Every configuration that is quoted somewhere, the best source last."""
    for root in (keys.MEMO, keys.CONFIG):
        for key, document in recording.final_store.items():
            if key.startswith(root):
                config = keys.CONFIG + key.removeprefix(root)
                marked = document.get("marked_for_deletion", document.get("deleted", False))
                envelope = {"body": document["body"], "marked_for_deletion": marked}
                yield (config, document["version"]), envelope
    for job in recording.jobs.values():
        config = keys.config(recording.catalog.path(job.resource))
        marked = job.action == "logical_delete"
        yield (config, job.version), {"body": job.resource_input, "marked_for_deletion": marked}
    for case in _documents(recording):
        yield _version(recording, case), dict(case["config"])


def _speaks_of(recording: Recording, event: Mapping[str, Any]) -> _Version | None:
    """The version of a configuration that somebody must have read to write this."""
    key, document = event["k"], event["v"]
    if document is None:
        return None
    if key.startswith(keys.STATE):
        return keys.CONFIG + key.removeprefix(keys.STATE), document["version"]
    job = recording.jobs.get(key.removeprefix(keys.JOBS))
    if job is None:
        return None
    return keys.config(recording.catalog.path(job.resource)), job.version


def _put_back(
    event: Mapping[str, Any], version: _Version, bodies: Mapping[_Version, dict[str, Any]]
) -> dict[str, Any]:
    key, number = version
    nothing_quoted = {"body": {"id": key.rpartition("/")[2]}, "marked_for_deletion": False}
    document = {**bodies.get(version, nothing_quoted), "version": number}
    return {"i": event["i"], "t": event["t"], "a": "set", "k": key, "v": document}
