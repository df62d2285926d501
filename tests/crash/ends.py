"""What must hold when all is over: every group at its one right end, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from esi_flows.engine.persistence import GROUPS_BOOK, book_key
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import group_of
from tests.crash.history import Change, View
from tests.crash.outside import EXECUTE, MADE, PUBLISHED
from tests.crash.rules import calls
from tests.crash.shapes import Group, letter_of

_BOOK = book_key(keys.PERSISTENCE, GROUPS_BOOK)


def right_end(group: Group) -> GroupState:
    """How a group must end, whatever happens to conductors."""
    if any(
        right_end(owner) is not GroupState.SUCCESS
        for owner in group.waits_for
        if owner.resource != group.resource
    ):
        return GroupState.CANCELLED
    if set(group.fails) <= set(group.ignored):
        return GroupState.SUCCESS
    return GroupState.FAILURE if group.stays else GroupState.REVERTED


def wrong_ends(end: View, groups: Sequence[Group], made: set[str]) -> Iterator[str]:
    """I2, I4, I5: each group has the end it must have; outside is what that end says.

    ``made``: the calls there were, as ``execute <job id>``.
    """
    for group in groups:
        record = end.record(group.name)
        if record is None or record.state is not right_end(group):
            yield f"{group.name} is {record and record.state}, not {right_end(group)}"
            continue
        there = "".join(
            letter for letter in group.shape if MADE + group.job_id(letter) in end.items
        )
        if there != _should_be_there(group, record):
            yield f"{group.name} is {record.state}, and outside there is {there!r}"
        public = [job for job in record.job_ids if PUBLISHED + job in end.items]
        if public != [group.job_id(letter) for letter in there]:
            yield f"{group.name} made {there!r}, but published {public}"
        yield from _wrong_calls(group, record, made)


def _should_be_there(group: Group, record: GroupRecord) -> str:
    if record.state is GroupState.SUCCESS:
        return "".join(letter for letter in group.shape if letter not in group.fails)
    return group.stays if record.state is GroupState.FAILURE else ""


def _wrong_calls(group: Group, record: GroupRecord, made: set[str]) -> Iterator[str]:
    executed = [job_id for job_id in record.job_ids if f"{EXECUTE} {job_id}" in made]
    if record.state is GroupState.SUCCESS and len(executed) < len(record.job_ids):
        yield f"{group.name} is SUCCESS, but only {executed} were executed"
    if record.state is GroupState.CANCELLED and executed:
        yield f"{group.name} is CANCELLED, but {executed} were executed"
    standing = "".join(
        letter_of(job.id) for job in record.course if "could not be undone" in job.error
    )
    if record.state is GroupState.FAILURE and standing != group.stays:
        yield f"{group.name} says that {standing!r} is left, it is {group.stays!r}"


def left_over(end: View) -> Iterator[str]:
    """What only lives while groups run must be gone."""
    for prefix in (keys.JOBS, keys.JOB_STATE, keys.PERSISTENCE, keys.CLAIMS):
        for item in end.below(prefix):
            if item.key not in (keys.claim(keys.READER_ROLE), _BOOK):
                yield f"{item.key} is left over"


def count_calls(change: Change, counted: dict[str, int], late: list[str]) -> Iterator[str]:
    """Count the calls of a revision; I4: none is made twice under one claim."""
    for what, job_id, by in calls(change):
        group = group_of(job_id)
        held = change.before.items.get(keys.claim(group))
        if held is None or by != change.before.holder(group):
            late.append(f"{what} {job_id} by {by} at {change.revision}")
        mine = f"{what} {job_id} by {by} under {held and held.create_revision}"
        for call in (f"{what} {job_id}", mine):
            counted[call] = counted.get(call, 0) + 1
        if counted[mine] > 1:
            yield f"{mine} was made twice"
