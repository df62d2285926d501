"""Outcomes as TaskFlow results (JSON) and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from esi_flows.handlers.base import Outcome, Write


def to_result(outcome: Outcome) -> dict[str, Any]:
    """An outcome as the result of a task."""
    return {
        "job_state": dict(outcome.job_state),
        "writes": [[w.key, None if w.value is None else w.value.decode()] for w in outcome.writes],
        "undo": outcome.undo,
        "error": outcome.error,
    }


def from_result(result: Any) -> Outcome | None:
    """The outcome in a task's result, None where there is none (a failure, or nothing yet)."""
    if not isinstance(result, Mapping) or "job_state" not in result:
        return None
    return Outcome(
        job_state=result["job_state"],
        writes=tuple(
            Write(key, None if value is None else str(value).encode())
            for key, value in result["writes"]
        ),
        undo=result["undo"],
        error=result["error"],
    )
