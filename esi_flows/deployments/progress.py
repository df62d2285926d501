"""How far a resource and its jobs are: what is shown, live and afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from esi_flows.model.jobs import ResourceRef


class Phase(StrEnum):
    """Where a job or a resource is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    IGNORED = "failed, ignored"
    FAILED = "failed"
    REVERTING = "reverting"
    REVERTED = "reverted"
    SUSPENDED = "suspended"
    NOT_RUN = "not run"
    CANCELLED = "cancelled"

    @property
    def bad(self) -> bool:
        """Whether it ended otherwise than wanted."""
        return self in (Phase.FAILED, Phase.REVERTED, Phase.CANCELLED)


@dataclass(frozen=True, slots=True)
class Followed:
    """A resource and the version whose result is wanted.

    ``instead_of``: when the group was posted that made this version before (0: none did). Its
    result is not the one that is wanted.
    """

    resource: ResourceRef
    version: int
    instead_of: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One job. Times are seconds since the epoch, 0 where unknown."""

    id: str
    phase: Phase
    started_at: float = 0.0
    ended_at: float = 0.0
    waited_seconds: float = 0.0
    """How much of it was waiting for the outside world."""
    error: str = ""

    @property
    def name(self) -> str:
        """``create:heat_worker``."""
        return ":".join(self.id.split(":", 2)[:2])

    @property
    def seconds(self) -> float:
        """How long it took, 0 where it has not ended."""
        return max(0.0, self.ended_at - self.started_at) if self.started_at else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceProgress:
    """One resource in one version."""

    followed: Followed
    phase: Phase
    ended: bool
    action: str = ""
    jobs: tuple[JobProgress, ...] = ()
    waits_for: tuple[str, ...] = ()
    """Jobs of other groups that had not ended well when its group was posted."""
    error: str = ""
    worker_state: str = ""
    posted_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0

    @property
    def resource(self) -> ResourceRef:
        """The resource."""
        return self.followed.resource

    @property
    def waited_seconds(self) -> float:
        """From posting to the start, or to the end of what never ran."""
        until = self.started_at or self.ended_at
        return max(0.0, until - self.posted_at) if until else 0.0

    @property
    def total_seconds(self) -> float:
        """From posting to the end, 0 where it has not ended."""
        return max(0.0, self.ended_at - self.posted_at) if self.ended_at else 0.0

    @property
    def outside_seconds(self) -> float:
        """For the outside world (Heat above all), all jobs together."""
        return sum(job.waited_seconds for job in self.jobs)

    @property
    def own_seconds(self) -> float:
        """What is left of the time from start to end."""
        if not self.started_at or not self.ended_at:
            return 0.0
        return max(0.0, self.ended_at - self.started_at - self.outside_seconds)


def totals(resources: Iterable[ResourceProgress]) -> Mapping[Phase, int]:
    """How many resources are in each phase."""
    counts: dict[Phase, int] = {}
    for progress in resources:
        counts[progress.phase] = counts.get(progress.phase, 0) + 1
    return counts
