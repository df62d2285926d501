"""Stacks, their resources, and operations with their steps. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What is done to a stack or resource."""

    INIT = "INIT"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    ROLLBACK = "ROLLBACK"
    CHECK = "CHECK"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"


class Status(StrEnum):
    """How far it is."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of a stack. ``physical_id`` is empty until it was made."""

    name: str
    type: str
    physical_id: str = ""
    action: Action = Action.INIT
    status: Status = Status.COMPLETE
    reason: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metadata: Any = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    description: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def state(self) -> str:
        """Action and status as the API joins them."""
        return f"{self.action}_{self.status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One resource's part in an operation. ``after`` is None where the resource goes away."""

    name: str
    action: Action
    begins_at: float
    ends_at: float
    before: Resource | None = None
    after: Resource | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Something being done to a stack, planned to its end.

    ``ends_at`` is infinite for one that hangs. Before ``visible_from`` the old state is reported.
    """

    action: Action
    started_at: float
    ends_at: float
    steps: tuple[Step, ...] = ()
    error: str = ""
    """The stack's status reason if it fails."""
    visible_from: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a stack is made from, as it was asked for."""

    template: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """``parameter_defaults`` of the environment."""
    registry: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a stack (``resource`` is its name then) or a resource."""

    id: str
    time: float
    resource: str
    physical_id: str
    state: str
    reason: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack. Action, status, reason and resources are those before ``operation``, if any."""

    id: str
    name: str
    project_id: str
    owner: str
    source: Source
    created_at: float
    action: Action = Action.INIT
    status: Status = Status.COMPLETE
    reason: str = ""
    previous: Source | None = None
    """What to go back to, while an update may still fail."""
    resources: Mapping[str, Resource] = field(default_factory=dict)
    operation: Operation | None = None
    events: tuple[Event, ...] = ()
    tags: tuple[str, ...] = ()
    timeout_mins: int | None = None
    disable_rollback: bool = True
    updated_at: float = 0.0
    deleted_at: float = 0.0

    def but(self, **changes: Any) -> Stack:
        """The stack with some fields changed."""
        return replace(self, **changes)

    @property
    def state(self) -> str:
        """Action and status as the API joins them."""
        return f"{self.action}_{self.status}"
