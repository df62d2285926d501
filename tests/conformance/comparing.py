"""When documents of ours and recorded ones are the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import takewhile, zip_longest
from typing import Any

from esi_flows.model import keys

APART = {
    keys.OURS: "our own records",
    "/gohan/": "gohan's records of what it has seen and locked",
    "/job_manager_id": "the original's one master; here several share, see claims/reader",
    "/worker-workflow-jobs": "its journal of a half written group; here a group is one transaction",
    "/jobs/ready": "its hand-over of jobs to worker processes; here conductors claim groups",
    "/jobs/waiting": "the same",
    "/jobs/working": "the same",
    "/jobs/finished": "the same",
}
"""The keys that the original and we keep for ourselves, each with the reason to leave it out."""

MAX_SHOWN = 200
"""How many characters of a differing value are shown."""

DOCUMENTED = {
    keys.STATE: "states",
    keys.JOB_STATE: "job_states",
    keys.HEAT_STACKS: "heat_stacks",
    keys.MEMO: "memos",
}
"""The roots below which every document is compared, and what it counts for."""


def comparable_store(store: Mapping[str, Any]) -> dict[str, Any]:
    """A whole store, reduced to what must be the same.

    The original's etcd had folders, which a dump shows as keys without a document.
    """
    return dict(
        comparable(key, document)
        for key, document in store.items()
        if document is not None and not key.startswith(tuple(APART))
    )


def comparable(key: str, document: Any) -> tuple[str, Any]:
    """A key and its document without what is random or a matter of form."""
    if document is None:
        return key, None
    if key.startswith(keys.CONFIG):
        return key, {**document, "body": _parsed(document["body"])}
    if key.startswith(keys.STATE):
        members = {name: _parsed(value) for name, value in document["state"].items()}
        return key, {**document, "state": members}
    if key.startswith(keys.JOBS):
        return unsuffixed(key), comparable_job(document)
    return key, document


def comparable_job(stored: list[Any]) -> list[Any]:
    """A job with parameters by name, resources and dependencies as sets, ids without their ends."""
    handler, job, zero = stored
    params = {
        p["param"]: (
            p["type"],
            p["value"],
            {(r["resource_type"], r["resource_id"]) for r in p["resources"]},
        )
        for p in job["params"]
    }
    own = {"id": unsuffixed(job["id"]), "params": params, "dependency": names(job["dependency"])}
    return [handler, {**job, **own}, zero]


def names(job_ids: Iterable[str]) -> set[str]:
    """Job ids without their random ends."""
    return {unsuffixed(job_id) for job_id in job_ids}


def unsuffixed(job_id: str) -> str:
    """A job's id, or its key, without the five random characters at the end."""
    return job_id.rpartition(":")[0]


def _parsed(value: Any) -> Any:
    """Documents inside documents are JSON texts; their form does not matter."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def differences(where: str, ours: Any, recorded: Any) -> list[str]:
    """Each place in which two documents differ, with what is there."""
    if ours == recorded:
        return []
    if isinstance(ours, dict) and isinstance(recorded, dict):
        names = dict.fromkeys([*ours, *recorded])
        pairs = [(f"{where}.{n}", ours.get(n, _ABSENT), recorded.get(n, _ABSENT)) for n in names]
    elif isinstance(ours, list | tuple) and isinstance(recorded, list | tuple):
        both = zip_longest(ours, recorded, fillvalue=_ABSENT)
        pairs = [(f"{where}[{i}]", mine, other) for i, (mine, other) in enumerate(both)]
    else:
        begin = 0
        if isinstance(ours, str) and isinstance(recorded, str):
            same = takewhile(lambda both: both[0] == both[1], zip(ours, recorded, strict=False))
            begin = max(sum(1 for _ in same) - MAX_SHOWN // 2, 0)
        return [f"{where}: {_short(ours, begin)} | {_short(recorded, begin)}"]
    return [found for pair in pairs for found in differences(*pair)]


_ABSENT = type("Absent", (), {"__repr__": lambda self: "nothing"})()


def _short(value: Any, begin: int) -> str:
    text = f"...{value[begin:]!r}" if begin else repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
