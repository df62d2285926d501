"""The graph that all views show: jobs inside groups inside steps, and why one waits for another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from esi_flows.deployments.progress import Phase
from esi_flows.model.jobs import OnFailure, ResourceRef
from esi_flows.planning.types import Kind, Rule


class Mode(StrEnum):
    """When the graph is about."""

    PLAN = "plan"
    """Nothing has happened: what a run would do."""
    LIVE = "live"
    """What the store says now."""
    FINISHED = "finished"
    """How it went, from history."""


class Mark(StrEnum):
    """What an overlay says of a group or a job: a comparison, or what a failure brings about."""

    NONE = ""
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    FAILS = "fails"
    REVERTED = "is reverted"
    CANCELLED = "is cancelled"
    NOT_RUN = "does not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When something happened, in seconds since the epoch; 0 where it has not, or is not known.

    ``outside_seconds`` is how much of the time from start to end was waiting for the outside world
    (Heat above all), all jobs together.
    """

    posted_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    outside_seconds: float = 0.0

    def waiting(self, now: float = 0.0) -> float:
        """Seconds from posting to the start, or to the end of what never ran; until now else."""
        until = self.started_at or self.ended_at or now
        return max(0.0, until - self.posted_at) if self.posted_at and until else 0.0

    def running(self, now: float = 0.0) -> float:
        """Seconds from the start to the end, or until ``now``."""
        until = self.ended_at or now
        return max(0.0, until - self.started_at) if self.started_at and until else 0.0

    def own(self, now: float = 0.0) -> float:
        """Seconds of :meth:`running` that were not waiting for the outside world."""
        return max(0.0, self.running(now) - self.outside_seconds)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to show of a job or a group when it is looked at: a name and lines of text."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. ``id`` is stable between runs: ``create:heat_worker:port:<id>:2``.

    ``job_id`` is its real id, with the random end, empty in a plan. ``phase`` is None in a plan.
    ``after`` are ids of jobs of the same group that come before it.
    """

    id: str
    action: str
    handler: str
    on_failure: OnFailure = OnFailure.FAIL
    after: tuple[str, ...] = ()
    phase: Phase | None = None
    times: Times = field(default_factory=Times)
    error: str = ""
    job_id: str = ""
    reverts: tuple[str, ...] = ()
    """What is undone if it fails, newest first, in words; empty where that is not known."""
    facts: tuple[Fact, ...] = ()
    mark: Mark = Mark.NONE

    @property
    def name(self) -> str:
        """``create:heat_worker``."""
        return f"{self.action}:{self.handler}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One change of one resource. ``id`` is the group's name, ``port:<id>:2``.

    ``kind`` says what becomes of the resource, ``previous`` is the version it had before (0: none,
    or not known), ``seconds`` what such a group usually takes (None: not known).
    """

    id: str
    resource: ResourceRef
    version: int
    kind: Kind
    previous: int = 0
    jobs: tuple[Job, ...] = ()
    phase: Phase | None = None
    times: Times = field(default_factory=Times)
    seconds: float | None = None
    error: str = ""
    note: str = ""
    hint: str = ""
    conductor: str = ""
    attempts: int = 0
    facts: tuple[Fact, ...] = ()
    mark: Mark = Mark.NONE


@dataclass(frozen=True, slots=True)
class Why:
    """One reason of an edge: the rule, the parameters that read, and the outputs that are read."""

    rule: Rule
    parameters: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """That ``target`` begins only when ``source`` has ended well; both are ids of groups.

    ``why`` is empty where the reason is not known. ``jobs`` are those waited for, as
    ``action:handler``. The order of jobs within a group is in :attr:`Job.after`.
    """

    source: str
    target: str
    why: tuple[Why, ...] = ()
    jobs: tuple[str, ...] = ()
    mark: Mark = Mark.NONE

    @property
    def text(self) -> str:
        """``reads output id``; several reasons are joined."""
        return "; ".join(reason_text(why) for why in self.why) or "waits for it"


@dataclass(frozen=True, slots=True)
class Step:
    """Groups that are begun together; steps follow each other. ``name`` is empty without steps."""

    name: str
    groups: tuple[Group, ...]
    blocked: str = ""
    """Why it is never reached, where that is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Everything that a view shows, in the order in which it is shown.

    ``at`` is when it was taken (seconds since the epoch, 0 in a plan). ``left_out`` counts
    resources that are not in it because nothing happens to them.
    """

    name: str
    mode: Mode
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...] = ()
    at: float = 0.0
    left_out: int = 0

    def groups(self) -> Iterator[Group]:
        """Every group, step by step."""
        for step in self.steps:
            yield from step.groups

    def jobs(self) -> Iterator[tuple[Group, Job]]:
        """Every job with its group."""
        for group in self.groups():
            for job in group.jobs:
                yield group, job


def reason_text(why: Why) -> str:
    """A reason in words, seen from the one that waits."""
    if why.rule is Rule.READS:
        return f"reads {_named('output', why.outputs)}" if why.outputs else _reads(why.parameters)
    if why.rule is Rule.READ_BY:
        return "writes after it has been read"
    return "another change of the same resource"


def _reads(parameters: tuple[str, ...]) -> str:
    return f"reads it for {', '.join(parameters)}" if parameters else "reads it"


def _named(noun: str, names: tuple[str, ...]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"
