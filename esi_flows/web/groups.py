"""Job groups as they are listed: who has them, how far they are, which of them come first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from esi_flows.deployments.atoms import Atom
from esi_flows.deployments.board import jobs_of, phase_of
from esi_flows.deployments.progress import JobProgress, Phase
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.steering import Steering, Want

IN_ORDER = (
    Phase.FAILED,
    Phase.REVERTED,
    Phase.CANCELLED,
    Phase.REVERTING,
    Phase.RUNNING,
    Phase.SUSPENDED,
    Phase.WAITING,
    Phase.IGNORED,
    Phase.NOT_RUN,
    Phase.DONE,
)
"""How groups are listed: what needs somebody first."""

_RANK = {phase: rank for rank, phase in enumerate(IN_ORDER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group. ``holder`` is the conductor whose claim it is under, empty where there is none."""

    record: GroupRecord
    phase: Phase
    jobs: tuple[JobProgress, ...]
    holder: str = ""
    steering: Steering | None = None

    @property
    def name(self) -> str:
        """``port:7abe:2``."""
        return self.record.name

    @property
    def want(self) -> Want:
        """What somebody wants of it."""
        return self.steering.want if self.steering is not None else Want.RUN

    @property
    def done(self) -> int:
        """How many jobs have ended well."""
        return sum(job.phase in (Phase.DONE, Phase.IGNORED) for job in self.jobs)

    @property
    def moved_at(self) -> float:
        """When it last moved, in seconds since the epoch."""
        return self.record.ended_at or self.record.started_at or self.record.posted_at

    @property
    def is_orphan(self) -> bool:
        """Whether it runs by its record, but nobody has it: the next conductor goes on."""
        return self.record.state is GroupState.RUNNING and not self.holder


def make_row(
    record: GroupRecord,
    atoms: Mapping[str, Atom],
    *,
    holder: str = "",
    steering: Steering | None = None,
) -> Row:
    """The row of a group; steering that was meant for an earlier group of its name is left out."""
    jobs = jobs_of(record, atoms)
    if steering is not None and steering.posted_at != record.posted_at:
        steering = None
    return Row(
        record=record,
        phase=phase_of(record, jobs),
        jobs=jobs,
        holder=holder,
        steering=steering,
    )


def by_need(rows: Iterable[Row]) -> list[Row]:
    """What failed first, the newest of each phase before the older ones."""
    return sorted(rows, key=lambda row: (_RANK[row.phase], -row.moved_at, row.name))


def counted(phases: Iterable[Phase]) -> dict[Phase, int]:
    """How many there are of each phase, in the order of :data:`IN_ORDER`."""
    counts = dict.fromkeys(IN_ORDER, 0)
    for phase in phases:
        counts[phase] += 1
    return {phase: count for phase, count in counts.items() if count}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which groups to list. Empty members leave nothing out; ``text`` may be in name or error."""

    text: str = ""
    phase: Phase | None = None
    type: str = ""
    hide_done: bool = False
    names: Collection[str] | None = None
    """Only groups of these resources (``type:id``)."""

    def chooses(self, row: Row) -> bool:
        """Whether the group is to be listed."""
        record = row.record
        if self.phase is not None and row.phase is not self.phase:
            return False
        if self.type and record.resource.type != self.type:
            return False
        if self.hide_done and row.phase is Phase.DONE:
            return False
        if self.names is not None and str(record.resource) not in self.names:
            return False
        text = self.text.casefold()
        return not text or any(text in place.casefold() for place in _searched(row))


def _searched(row: Row) -> Iterator[str]:
    yield row.name
    yield row.record.error
    yield row.holder
    yield row.phase.value


@dataclass(frozen=True, slots=True)
class Section:
    """Groups that are shown and folded together; ``rows`` are the first of them."""

    title: str
    total: int
    counts: Mapping[Phase, int] = field(default_factory=dict)
    rows: Sequence[Row] = ()

    @property
    def is_open(self) -> bool:
        """Whether something in it needs somebody, or moves."""
        return any(phase not in (Phase.DONE, Phase.WAITING) for phase in self.counts)


def sections(rows: Sequence[Row], titles: Mapping[str, str], *, shown: int) -> list[Section]:
    """Rows by the title of their groups, in the order in which they come; ``shown`` of each."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(titles[row.name], []).append(row)
    return [
        Section(title, len(listed), counted(row.phase for row in listed), listed[:shown])
        for title, listed in found.items()
    ]
