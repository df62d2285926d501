"""The replay itself, on a session that was invented: two resources, one of them deleted.

It has what recorded sessions may have and the default ones lack: an intent that changes while the
stack of its resource is still made, a deletion in two steps, a resource given up by its owner.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from esi_flows.store.etcd import EtcdStore
from tests.conformance.recordings import Recording, recordings
from tests.conformance.replay import replay
from tests.conformance.test_replays import documents, jobs, requests, whole_replay

TENANT = "0c0ffee0000000000000000000000000"
HOT = "heat_template_version: 2013-05-23"
DONE = {
    "create": ("CREATE_COMPLETE", "CREATE_COMPLETED"),
    "modify": ("UPDATE_COMPLETE", "MODIFY_COMPLETED"),
    "logical_delete": ("DELETE_COMPLETE", "DELETE_COMPLETED"),
}


class Session:
    """Writes a recording as the original would have made it."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.renderings: list[dict[str, Any]] = []

    def write(self, key: str, document: Any) -> None:
        number = len(self.events)
        action = "delete" if document is None else "set"
        self.events.append(
            {"i": number, "t": f"{number:06}", "a": action, "k": key, "v": document, "x": number}
        )

    def want(self, path: str, version: int, *, marked: bool = False, **body: Any) -> None:
        body = {"id": path.rpartition("/")[2], "tenant_id": TENANT, **body}
        envelope = {"body": body, "version": version}
        self.write(f"/config/v2.0/{path}", {**envelope, "marked_for_deletion": marked})
        self.write(f"/esi-worker/config/v2.0/{path}", {**envelope, "deleted": marked})

    def post(self, action: str, path: str, after: tuple[str, ...] = (), **params: Any) -> str:
        """The job of the newest version; its id."""
        plural, identifier = path.split("/")
        type_name = plural.removesuffix("s")
        wanted = next(e["v"] for e in reversed(self.events) if e["k"] == f"/config/v2.0/{path}")
        name = f"{type_name}:{identifier}:{wanted['version']}"
        job_id = f"{action}:heat_worker:{name}:abcde"
        job = {
            "id": job_id,
            "job_name": name,
            "action": action,
            "handler": "heat_worker",
            "resource_type": type_name,
            "resource_id": identifier,
            "version": wanted["version"],
            "resource_input": wanted["body"],
            "params": [{"param": n, "type": "value", **value} for n, value in params.items()],
            "is_first": True,
            "is_last": True,
            "on_failure": "fail",
            "dependency": list(after),
        }
        self.write(f"/jobs/all/{job_id}", ["heat_worker", job, 0])
        return job_id

    def finish(self, job_id: str) -> None:
        action, _, type_name, identifier, version, _ = job_id.split(":")
        path = f"v2.0/{type_name}s/{identifier}"
        status, worker_state = DONE[action]
        gone = action == "logical_delete"
        output = [] if gone else [{"output_key": "id", "output_value": job_id}]
        stack = {
            "id": f"{type_name}:{identifier}",
            "stack_id": "" if gone else f"{type_name}_{identifier}",
            "tenant_id": TENANT,
            "stack_status": status,
            "status_reason": "" if gone else f"Stack {status}",
            "output": output,
        }
        members = {"heat_outputs": output, "orchestration_state": status}
        state = {**members, "heat_outputs": json.dumps(output), "worker_state": worker_state}
        self.write(f"/esi-worker/job_state/{path}", {})
        self.write(f"/esi-worker/heat_stacks/{path}", stack)
        self.write(f"/esi-worker/job_state/{path}", members)
        self.write(f"/state/{path}", {"error": "", "version": int(version), "state": state})
        self.write(f"/jobs/all/{job_id}", None)
        self.write(f"/esi-worker/job_state/{path}", None)
        if not gone:
            job = next(e["v"][1] for e in self.events if e["k"] == f"/jobs/all/{job_id}")
            params = {p["param"]: p["value"] for p in job["params"]}
            self.renderings.append(
                {"job": job_id, "template": HOT, "params": params, "jinja": {}, "timeout": 10}
            )

    def final_store(self) -> dict[str, Any]:
        store = {event["k"]: event["v"] for event in self.events}
        return {key: document for key, document in store.items() if document is not None}


def value(of: Any, *resources: tuple[str, str]) -> dict[str, Any]:
    refs = [{"resource_type": t, "resource_id": i} for t, i in resources]
    return {"value": of, "resources": refs}


def invented() -> Session:
    session = Session()
    session.want("hosts/h1", 1, name="one")
    host = session.post("create", "hosts/h1", name=value("one"))
    session.want("ports/p1", 1, host_id="h1", name="p1")
    named = value("one", ("host", "h1"))
    port = session.post("create", "ports/p1", (host,), host=named)
    # gohan is asked for a new version while the stack is still made
    session.want("hosts/h1", 2, name="two")
    second = session.post("modify", "hosts/h1", tuple(sorted((host, port))), name=value("two"))
    for job in (host, port, second):
        session.finish(job)
    session.write("/monitoring/v2.0/ports/p1", {"version": 1, "vmi": "UP"})
    session.want("ports/p1", 2, marked=True, host_id="h1", name="p1")
    renamed = value("two", ("host", "h1"))
    gone = session.post("logical_delete", "ports/p1", host=renamed)
    session.write("/monitoring/v2.0/ports/p1", None)
    session.finish(gone)
    for root in ("/config", "/state", "/esi-worker/config", "/esi-worker/heat_stacks"):
        session.write(f"{root}/v2.0/ports/p1", None)
    session.want("hosts/h1", 3, name="three")
    session.finish(session.post("modify", "hosts/h1", name=value("three")))
    return session


@pytest.fixture(autouse=True)
def corpus(tmp_path: Path) -> Path:
    """A corpus of its own: these tests need no recorded traffic."""
    folder = tmp_path / "corpus"
    (folder / "b").mkdir(parents=True)
    kinds = {"host": {}, "port": {"host_id": "host"}}
    (folder / "schemas.json").write_text(
        json.dumps(
            {
                "schemas": {k: {"prefix": f"/v2.0/{k}s", "plural": f"{k}s"} for k in kinds},
                "relations": kinds,
                "template_mappings": {"heat_worker": {k: f"C{k}" for k in kinds}},
            }
        )
    )
    mappings = {"host": {"name": "Pname"}, "port": {"host": {"field": "name", "path": ["host_id"]}}}
    texts = {
        name: {
            "id": name,
            "handler": "heat_worker",
            "parameter_mappings": found,
            "template_file": HOT,
            "watch": [],
        }
        for name, found in mappings.items()
    }
    scenario = {name: [name] for name in texts}
    pack(folder / "b" / "heat_templates.json.gz", {"by_sha": texts, "by_scenario": {"s": scenario}})
    return folder


def pack(path: Path, document: Any) -> None:
    path.write_bytes(gzip.compress(json.dumps(document).encode()))


def recording_of(session: Session, corpus: Path) -> Recording:
    pack(
        corpus / "b" / "s.json.gz",
        {
            "complete": True,
            "events": session.events,
            "final_store": session.final_store(),
            "heat_jobs": session.renderings,
            "monitoring_posts": [],
        },
    )
    (recording,) = recordings(corpus)
    return recording


def differing(recording: Recording, store: EtcdStore) -> list[str]:
    outcome = replay(recording, store)
    return [
        difference
        for check in (whole_replay, documents, jobs, requests)
        for _, found in check(recording, outcome)
        for difference in found
    ]


def test_a_session_with_a_deletion_and_a_change_under_way(corpus: Path, store: EtcdStore) -> None:
    assert differing(recording_of(invented(), corpus), store) == []


@pytest.mark.parametrize(
    ("root", "member", "told"),
    [
        ("/state/v2.0/ports/p1", "error", "/state/v2.0/ports/p1[0].error: '' | 'else'"),
        ("/esi-worker/heat_stacks/v2.0/hosts/h1", "tenant_id", ".tenant_id: "),
        ("/esi-worker/job_state/v2.0/hosts/h1", "heat_outputs", ".heat_outputs: "),
        ("/esi-worker/config/v2.0/hosts/h1", "deleted", ".deleted: False | 'else'"),
    ],
)
def test_a_difference_is_told_with_its_place(
    root: str, member: str, told: str, corpus: Path, store: EtcdStore
) -> None:
    session = invented()
    event = next(e for e in session.events if e["k"] == root and e["v"])
    event["v"] = {**event["v"], member: "else"}
    found = differing(recording_of(session, corpus), store)
    assert [difference for difference in found if told in difference], found
