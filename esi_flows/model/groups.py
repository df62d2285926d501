"""Our record of a job group (``/esi-flows/groups/<name>``), from posting to after its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from esi_flows.model import codec
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.jobs import Action, ResourceRef, is_job_id
from esi_flows.model.steering import Order, orders_of

MAX_CLAIMS = 20
"""How many claims are told of one group, the newest: its record must not grow for ever."""


class GroupState(StrEnum):
    """Where a group is. All but CANCELLED are TaskFlow's names for the group's flow."""

    PENDING = "PENDING"
    """Posted; waits for others, or for a conductor, also for another one to go on with it."""
    RUNNING = "RUNNING"
    """Claimed, now or by a conductor that is gone."""
    SUSPENDED = "SUSPENDED"
    """Stopped at a safe point because somebody wants it so; goes on from there when resumed."""
    SUCCESS = "SUCCESS"
    REVERTED = "REVERTED"
    """A job failed; everything its group had made was undone."""
    FAILURE = "FAILURE"
    """A job failed and not everything could be undone; ``error`` names what remains."""
    CANCELLED = "CANCELLED"
    """Never ran: something it waited for failed, or somebody cancelled it before it began."""

    @property
    def ended(self) -> bool:
        """Whether the group is over."""
        return self not in (GroupState.PENDING, GroupState.RUNNING, GroupState.SUSPENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCourse:
    """How one job of an ended group went. ``state`` is the TaskFlow state of its task."""

    id: str
    state: str
    started_at: float = 0.0
    ended_at: float = 0.0
    waited_seconds: float = 0.0
    """How much of that was waiting for the outside world."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """That a conductor took a group, and when."""

    conductor: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord:
    """One job group. Times are seconds since the epoch, 0 where they have not come yet."""

    name: str
    action: Action
    resource: ResourceRef
    version: int
    job_ids: tuple[str, ...]
    """The jobs in their order."""
    waits_for: tuple[str, ...] = ()
    """Ids of jobs of other groups that must have finished well before this group runs."""
    state: GroupState = GroupState.PENDING
    attempts: int = 0
    """How often it has been claimed."""
    interruptions: int = 0
    """How often a claim of it has ended without its end, and without being handed over."""
    conductor: str = ""
    """Who claimed it last."""
    error: str = ""
    failed_job: str = ""
    posted_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    course: tuple[JobCourse, ...] = ()
    """How the jobs went; filled in at the end."""
    course_omitted: int = 0
    """How many jobs ``course`` does not tell of, for the record would become too large."""
    claims: tuple[Claimed, ...] = ()
    """Who ran it, and from when on; the newest :data:`MAX_CLAIMS`."""
    orders: tuple[Order, ...] = ()
    """What people wanted of it; filled in after the end, and until then in its steering."""

    def but(self, **changes: Any) -> GroupRecord:
        """The record with some fields changed."""
        return replace(self, **changes)

    def claimed_by(self, conductor: str, now: float) -> GroupRecord:
        """The record after ``conductor`` has taken the group.

        One that is found RUNNING was left so by a conductor that died or could not go on.
        """
        return self.but(
            interruptions=self.interruptions + (self.state is GroupState.RUNNING),
            state=GroupState.RUNNING,
            conductor=conductor,
            attempts=self.attempts + 1,
            started_at=self.started_at or now,
            claims=(*self.claims, Claimed(conductor, now))[-MAX_CLAIMS:],
        )

    def encode(self) -> bytes:
        """The document as stored."""
        return codec.dumps(
            {
                "name": self.name,
                "action": self.action.value,
                "resource_type": self.resource.type,
                "resource_id": self.resource.id,
                "version": self.version,
                "job_ids": list(self.job_ids),
                "waits_for": list(self.waits_for),
                "state": self.state.value,
                "attempts": self.attempts,
                "interruptions": self.interruptions,
                "conductor": self.conductor,
                "error": self.error,
                "failed_job": self.failed_job,
                "posted_at": self.posted_at,
                "started_at": self.started_at,
                "ended_at": self.ended_at,
                "course": [asdict(job) for job in self.course],
                "course_omitted": self.course_omitted,
                "claims": [asdict(claim) for claim in self.claims],
                "orders": [order.to_json() for order in self.orders],
            }
        )

    @classmethod
    def decode(cls, key: str, raw: bytes) -> GroupRecord:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw)
        try:
            action = Action(str(document.get("action")))
            state = GroupState(str(document.get("state")))
        except ValueError as error:
            raise DocumentInvalid(key, f"{error}") from error
        waits_for = codec.texts(key, document, "waits_for")
        for job_id in waits_for:
            if not is_job_id(job_id):
                raise DocumentInvalid(key, f"{job_id!r} in waits_for is no job id")
        return cls(
            name=codec.member(key, document, "name", str),
            action=action,
            resource=ResourceRef(
                codec.member(key, document, "resource_type", str),
                codec.member(key, document, "resource_id", str),
            ),
            version=codec.member(key, document, "version", int),
            job_ids=codec.texts(key, document, "job_ids"),
            waits_for=waits_for,
            state=state,
            attempts=codec.member(key, document, "attempts", int),
            conductor=codec.member(key, document, "conductor", str),
            error=codec.member(key, document, "error", str),
            failed_job=codec.member(key, document, "failed_job", str),
            posted_at=codec.number(key, document, "posted_at"),
            started_at=codec.number(key, document, "started_at"),
            ended_at=codec.number(key, document, "ended_at"),
            course=tuple(_job_course(key, j) for j in codec.member(key, document, "course", list)),
            course_omitted=_count_added_later(key, document, "course_omitted"),
            interruptions=_count_added_later(key, document, "interruptions"),
            claims=tuple(_claimed(key, c) for c in _added_later(key, document, "claims")),
            orders=orders_of(key, _added_later(key, document, "orders")),
        )


def _job_course(key: str, document: Any) -> JobCourse:
    entry = codec.require_object(key, "an entry of course", document)
    return JobCourse(
        id=codec.member(key, entry, "id", str),
        state=codec.member(key, entry, "state", str),
        started_at=codec.number(key, entry, "started_at"),
        ended_at=codec.number(key, entry, "ended_at"),
        waited_seconds=codec.number(key, entry, "waited_seconds"),
        error=codec.member(key, entry, "error", str),
    )


def _claimed(key: str, document: Any) -> Claimed:
    entry = codec.require_object(key, "an entry of claims", document)
    conductor = codec.member(key, entry, "conductor", str)
    return Claimed(conductor, codec.number(key, entry, "at"))


def _count_added_later(key: str, document: codec.JsonObject, name: str) -> int:
    return codec.member(key, document, name, int) if name in document else 0


def _added_later(key: str, document: codec.JsonObject, name: str) -> list[Any]:
    """A list that records of earlier versions of ours do not have."""
    return codec.member(key, document, name, list) if name in document else []
