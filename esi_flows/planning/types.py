"""What a plan says: steps of changes, each with its jobs, waits, differences and consequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from esi_flows.deployments.types import Deployment
from esi_flows.model.jobs import Action, OnFailure, ResourceRef, group_name


class Kind(StrEnum):
    """What becomes of a resource."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"
    NOTHING = "nothing"
    REFUSED = "refused"
    """Its intent cannot be compiled, so nothing is made of it."""


class Rule(StrEnum):
    """Why a group waits for another."""

    READS = "reads"
    """Parameters of its jobs are read from the other's resource."""
    READ_BY = "is read by"
    """Jobs of the other group read its resource, as it is before the change."""
    SAME = "same resource"
    """Two changes of one resource must not overlap."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to wait. ``parameters``: those that read, with either rule."""

    rule: Rule
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """A group that must end well first: the resource, its jobs waited for, and why."""

    group: str
    jobs: tuple[str, ...]
    """As ``action:handler``."""
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A parameter before and after; outputs appear as ``network:<id>#<output>``.

    ``added`` and ``removed`` tell an absent parameter from one that is null. ``secret``: the values
    are masked.
    """

    name: str
    old: Any = None
    new: Any = None
    added: bool = False
    removed: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """What is sent to Heat, compared with what was sent last.

    ``difference`` is a unified difference, empty where there is none. ``unknown`` are outputs that
    no stack has yet: the text holds their names in their place. ``problem`` says why there is no
    text before the run.
    """

    template: str
    difference: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """One job that is reverted when another fails, and what that does in words."""

    job: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """One job of a group. ``reverts``: what is undone if it fails, in that order."""

    action: Action
    handler: str
    on_failure: OnFailure
    parameters: tuple[ParameterChange, ...] = ()
    template: TemplateChange | None = None
    reverts: tuple[Undo, ...] = ()

    @property
    def name(self) -> str:
        """``create:heat_worker``."""
        return f"{self.action}:{self.handler}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a step means for one resource.

    ``version`` is the one it has then, ``previous`` the one it had (0: none). ``writes``: its
    intent is written by this plan, otherwise the change is in the store already. ``cancels``:
    groups that never run if this one fails. ``seconds``: how long such groups took, median (None:
    none is recorded).
    """

    resource: ResourceRef
    kind: Kind
    version: int
    previous: int = 0
    writes: bool = False
    where: str = ""
    note: str = ""
    hint: str = ""
    jobs: tuple[PlannedJob, ...] = ()
    waits: tuple[Wait, ...] = ()
    cancels: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def group(self) -> str:
        """The name of the group that makes the change."""
        return group_name(self.resource, self.version)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """The changes of one step. ``blocked`` says why it is never reached, where that is so."""

    name: str
    changes: tuple[Change, ...] = ()
    blocked: str = ""
    seconds: float = 0.0
    """The longest chain of groups that wait for each other, as far as their times are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would happen, and everything it rests on.

    ``rests_on``: modification revisions by key, 0 for documents that do not exist. ``pending``:
    resources outside the plan whose intents are stored and not compiled yet.
    """

    name: str
    steps: tuple[PlannedStep, ...]
    catalog: str
    revision: int
    deployment: Deployment | None = None
    pending: tuple[ResourceRef, ...] = ()
    rests_on: Mapping[str, int] = field(default_factory=dict)

    def changes(self) -> Iterator[Change]:
        """Every change, step by step."""
        for step in self.steps:
            yield from step.changes

    def count(self, kind: Kind) -> int:
        """How many changes are of a kind."""
        return sum(change.kind is kind for change in self.changes())

    @property
    def refused(self) -> bool:
        """Whether some intent cannot be compiled."""
        return self.count(Kind.REFUSED) > 0

    @property
    def does_nothing(self) -> bool:
        """Whether everything is as wanted."""
        return all(change.kind is Kind.NOTHING for change in self.changes())
