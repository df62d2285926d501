"""The graph of a plan, from the document that every plan has, saved ones too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from esi_flows.model.jobs import OnFailure, ResourceRef
from esi_flows.planning.document import plan_document
from esi_flows.planning.types import Kind, Plan, Rule
from esi_flows.views.model import Edge, Fact, Graph, Group, Job, Mode, Step, Why

_OUTPUT = re.compile(r"([a-z0-9_]+:[^\"#\s]+)#([^\"\s]+)")


def planned(plan: Plan) -> Graph:
    """The graph of what running a deployment would do. Resources that stay as they are, are out."""
    return planned_document(plan_document(plan))


def planned_document(document: Mapping[str, Any]) -> Graph:
    """The same of a plan's document (see :mod:`esi_flows.planning.document`), which has no
    secrets.
    """
    steps, edges, left_out = [], [], 0
    for step in document["steps"]:
        told = [c for c in step["changes"] if c["change"] != Kind.NOTHING.value]
        left_out += len(step["changes"]) - len(told)
        groups = tuple(_group(change) for change in told)
        steps.append(Step(step["name"], groups, step["blocked"]))
        edges += [edge for change in told for edge in _edges(change)]
    known = {group.id for step in steps for group in step.groups}
    return Graph(
        name=document["name"],
        mode=Mode.PLAN,
        steps=tuple(steps),
        edges=tuple(e for e in edges if e.source in known),
        left_out=left_out,
    )


def _group(change: Mapping[str, Any]) -> Group:
    kind, _, identifier = change["resource"].partition(":")
    jobs: list[Job] = []
    name = f"{change['resource']}:{change['version']}"
    for number, job in enumerate(change["jobs"]):
        jobs.append(_job(f"{job['action']}:{job['handler']}:{name}#{number}", job, jobs))
    return Group(
        id=name,
        resource=ResourceRef(kind, identifier),
        version=change["version"],
        previous=change["previous_version"],
        kind=Kind(change["change"]),
        jobs=tuple(jobs),
        seconds=change["seconds"],
        note=change["note"],
        hint=change["hint"],
    )


def _job(identifier: str, job: Mapping[str, Any], before: list[Job]) -> Job:
    return Job(
        id=identifier,
        action=job["action"],
        handler=job["handler"],
        on_failure=OnFailure(job["on_failure"]),
        after=(before[-1].id,) if before else (),
        reverts=tuple(f"{undo['job']}: {undo['how']}" for undo in job["if_it_fails"]["reverts"]),
        facts=tuple(_facts(job)),
    )


def _facts(job: Mapping[str, Any]) -> Iterator[Fact]:
    if job["parameters"]:
        yield Fact("parameters", tuple(_parameter(p) for p in job["parameters"]))
    template = job["template"]
    if template is not None:
        text = template["problem"] or template["difference"] or "as it was sent last"
        yield Fact(f"template {template['template']}", tuple(text.splitlines()))


def _parameter(parameter: Mapping[str, Any]) -> str:
    sides = [
        json.dumps(parameter[side], ensure_ascii=False, sort_keys=True)
        for side in ("old", "new")
        if side in parameter
    ]
    return f"{parameter['name']}: {' -> '.join(sides)}"


def _edges(change: Mapping[str, Any]) -> Iterator[Edge]:
    outputs = _outputs(change)
    name = f"{change['resource']}:{change['version']}"
    for wait in change["waits_for"]:
        owner = wait["group"].rpartition(":")[0]
        yield Edge(
            source=wait["group"],
            target=name,
            jobs=tuple(wait["jobs"]),
            why=tuple(
                Why(
                    Rule(reason["rule"]),
                    tuple(reason["parameters"]),
                    tuple(outputs.get(owner, ())) if reason["rule"] == Rule.READS.value else (),
                )
                for reason in wait["because"]
            ),
        )


def _outputs(change: Mapping[str, Any]) -> dict[str, dict[str, None]]:
    """By resource the outputs that the parameters of a change name, in their order."""
    found: dict[str, dict[str, None]] = {}
    for job in change["jobs"]:
        for parameter in job["parameters"]:
            for owner, output in _OUTPUT.findall(json.dumps(parameter.get("new"))):
                found.setdefault(owner, {})[output] = None
    return found
