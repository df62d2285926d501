"""What was found as a document, for scripts."""

from __future__ import annotations

from typing import Any

from esi_flows.drift.types import Difference, Looked, Report

FORMAT = 1
"""Grows when a member changes its meaning or goes; new members may come at any time."""


def report_document(report: Report) -> dict[str, Any]:
    """The report as JSON. Holds no secrets."""
    return {
        "format": FORMAT,
        "looked_at": len(report.looked),
        "drifted": [_looked(each) for each in report.drifted],
        "not_compared": [
            {"resource": str(each.resource), "stack": each.stack, "reason": each.problem}
            for each in report.unseen
        ],
        "under_way": [str(resource) for resource in report.busy],
    }


def _looked(looked: Looked) -> dict[str, Any]:
    return {
        "resource": str(looked.resource),
        "stack": looked.stack,
        "project": looked.project,
        "differences": [_difference(each) for each in looked.differences],
        "hidden": list(looked.hidden),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind.value,
        "text": difference.text,
        "values": [
            {
                "name": change.name,
                "recorded": change.old,
                "heat": change.new,
                "added": change.added,
                "removed": change.removed,
                "secret": change.secret,
            }
            for change in difference.values
        ],
        "lines": list(difference.lines),
    }
