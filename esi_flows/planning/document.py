"""A plan as a document, for scripts and for files. Its members are a promise: docs/reference."""

from __future__ import annotations

from typing import Any

from esi_flows.model.jobs import OnFailure
from esi_flows.planning.types import (
    Change,
    Kind,
    ParameterChange,
    Plan,
    PlannedJob,
    PlannedStep,
    TemplateChange,
    Wait,
)

FORMAT = 1
"""Grows when a member changes its meaning or goes; new members may come at any time."""


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON. Holds no secrets."""
    return {
        "format": FORMAT,
        "name": plan.name,
        "revision": plan.revision,
        "steps": [_step(step) for step in plan.steps],
        "pending": [str(resource) for resource in plan.pending],
        "totals": totals(plan),
    }


def totals(plan: Plan) -> dict[str, Any]:
    """How many changes of each kind, with how many jobs; ``seconds`` where all times are known."""
    groups = [change for change in plan.changes() if change.jobs]
    known = all(change.seconds is not None for change in groups)
    return {
        **{kind.value: plan.count(kind) for kind in Kind},
        "groups": len(groups),
        "jobs": sum(len(change.jobs) for change in groups),
        "seconds": sum(step.seconds for step in plan.steps) if known else None,
    }


def _step(step: PlannedStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "blocked": step.blocked,
        "changes": [_change(change) for change in step.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "resource": str(change.resource),
        "change": change.kind.value,
        "version": change.version,
        "previous_version": change.previous,
        "writes": change.writes,
        "where": change.where,
        "note": change.note,
        "hint": change.hint,
        "group": change.group if change.jobs else "",
        "jobs": [_job(job) for job in change.jobs],
        "waits_for": [_wait(wait) for wait in change.waits],
        "cancels": list(change.cancels),
        "seconds": change.seconds,
    }


def _job(job: PlannedJob) -> dict[str, Any]:
    return {
        "action": job.action.value,
        "handler": job.handler,
        "on_failure": job.on_failure.value,
        "parameters": [_parameter(change) for change in job.parameters],
        "template": _template(job.template) if job.template is not None else None,
        "if_it_fails": {
            "ignored": job.on_failure is OnFailure.IGNORE,
            "reverts": [{"job": undo.job, "how": undo.how} for undo in job.reverts],
        },
    }


def _parameter(change: ParameterChange) -> dict[str, Any]:
    """``old`` and ``new`` are left out where the parameter is absent."""
    document: dict[str, Any] = {"name": change.name, "secret": change.secret}
    if not change.added:
        document["old"] = change.old
    if not change.removed:
        document["new"] = change.new
    return document


def _template(change: TemplateChange) -> dict[str, Any]:
    return {
        "template": change.template,
        "difference": "".join(f"{line}\n" for line in change.difference),
        "unknown_outputs": list(change.unknown),
        "problem": change.problem,
    }


def _wait(wait: Wait) -> dict[str, Any]:
    return {
        "group": wait.group,
        "jobs": list(wait.jobs),
        "because": [
            {"rule": reason.rule.value, "parameters": list(reason.parameters)}
            for reason in wait.reasons
        ],
    }
