"""What must hold of every single revision. Each rule says in words what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from taskflow import states

from esi_flows.engine import outcomes
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import group_of
from tests.crash.history import Atom, Change, View, document
from tests.crash.outside import CALLS, EXECUTE, PUBLISHED
from tests.crash.shapes import Group

Rule = Callable[[Change, Sequence[Group]], Iterator[str]]

GROUP_STEPS: Mapping[GroupState | None, frozenset[GroupState]] = {
    None: frozenset({GroupState.PENDING}),
    GroupState.PENDING: frozenset({GroupState.RUNNING, GroupState.CANCELLED}),
    GroupState.RUNNING: frozenset(set(GroupState) - {GroupState.PENDING, GroupState.CANCELLED}),
}

# What is recorded may leave out a state that nothing outside rested on: a task's failure is
# recorded at the latest with the beginning of its reversion. REVERT_FAILURE is none of ours.
ATOM_STEPS: Mapping[str, frozenset[str]] = {
    states.PENDING: frozenset({states.RUNNING}),
    states.RUNNING: frozenset({states.SUCCESS, states.FAILURE, states.REVERTING}),
    states.SUCCESS: frozenset({states.REVERTING}),
    states.FAILURE: frozenset({states.REVERTING}),
    states.REVERTING: frozenset({states.REVERTED}),
    states.REVERTED: frozenset(),
}


def group_steps_are_legal(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """I12: a group's record goes from state to state as documented, and an end is for good."""
    for name, before, after in _records(change, groups):
        if after is None or after.encode() == (before.encode() if before is not None else b""):
            if after is None and before is not None:
                yield f"the record of {name} is gone"
            continue
        if after.state not in GROUP_STEPS.get(before.state if before else None, ()):
            yield f"{name} went from {before and before.state} to {after.state}"
        if after.state is GroupState.RUNNING:
            tries = before.attempts if before is not None else 0
            if change.after.holder(name) != after.conductor or after.attempts != tries + 1:
                yield f"{name} is RUNNING, but nobody has claimed it with that"


def claims_are_exclusive(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """I1: a claim is only taken where there is none, and only together with the group's record."""
    for key, event in change.events.items():
        if key.startswith(keys.CLAIMS) and event.value is not None:
            if key in change.before.items:
                yield f"{key} was taken from who held it"
            name = key.removeprefix(keys.CLAIMS)
            if name != keys.READER_ROLE and not change.wrote(keys.group(name)):
                yield f"{key} was taken, but the group not marked"
    for group in groups:
        record = change.after.record(group.name)
        running = record is not None and record.state is GroupState.RUNNING
        if change.after.holder(group.name) and not running:
            yield f"{group.name} is claimed and not running"


def end_is_one_revision(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """I3: result, record, removal of jobs, of job_state, of the flow and of the claim are one."""
    for group in groups:
        before, after = change.before.record(group.name), change.after.record(group.name)
        if after is None:
            continue
        left = [job_id for job_id in after.job_ids if keys.job(job_id) in change.after.items]
        if not after.state.ended:
            if len(left) != len(after.job_ids):
                yield f"{group.name} has not ended, but of its jobs there are only {left}"
            continue
        if left:
            yield f"{group.name} has ended, but there are still {left}"
        if before is not None and before.state.ended:
            continue
        if not change.wrote(keys.state(group.path)):
            yield f"{group.name} ended without a state"
        for key in (keys.job_state(group.path), keys.claim(group.name)):
            if key in change.after.items:
                yield f"{group.name} ended, but {key} is there"
        if any(group_of(job_id) == group.name for job_id in change.after.atoms()):
            yield f"{group.name} ended, but its flow is still there"


def states_come_with_ends(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """I3, I6: a state is only written by the end of a group, and is never of an older version."""
    for group in groups:
        key = keys.state(group.path)
        if not change.wrote(key):
            continue
        if not any(_ended_now(change, other.name) for other in groups if other.path == group.path):
            yield f"{key} was written, but no group ended"
        old, new = change.before.value(key), change.after.value(key)
        if old and new and document(old)["version"] > document(new)["version"]:
            yield f"{key} went back to an older version"


def atom_steps_are_legal(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """I12: a task goes from state to state as TaskFlow has it; what is over is never begun anew."""
    before, after = change.before.atoms(), change.after.atoms()
    for job_id, atom in after.items():
        old = before[job_id].state if job_id in before else states.PENDING
        if atom.state != old and atom.state not in ATOM_STEPS.get(old, ()):
            yield f"the task {job_id} went from {old} to {atom.state}"
    for job_id in before.keys() - after.keys():
        if not _ended_now(change, group_of(job_id)):
            yield f"the task {job_id} is gone, but its group has not ended"


def outcomes_come_with_what_they_publish(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """D2: what a job brings is visible exactly when its outcome is recorded."""
    atoms = change.after.atoms()
    for group in groups:
        record = change.after.record(group.name)
        if record is None or record.state is not GroupState.RUNNING:
            continue
        members = {}
        for job_id in record.job_ids:
            outcome = _outcome(atoms.get(job_id))
            if outcome is not None:
                members.update(outcome.job_state)
            is_public = PUBLISHED + job_id in change.after.items
            if is_public != _is_published(atoms.get(job_id)):
                yield f"{job_id} is {'' if is_public else 'not '}published against its record"
        shown = change.after.value(keys.job_state(group.path))
        if (document(shown) if shown is not None else {}) != members:
            yield f"the job_state of {group.name} is {shown!r}, recorded is {members}"


def stacks_are_never_later_than_states(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """A resource's stack is recorded with an outcome of a group that has not ended before."""
    for group in groups:
        if change.wrote(keys.heat_stack(group.path)):
            versions = [other for other in groups if other.path == group.path]
            if not any(_runs(change.before, other.name) for other in versions):
                yield f"the stack of {group.path} was recorded while none of its groups ran"


def calls_rest_on_records(change: Change, groups: Sequence[Group]) -> Iterator[str]:
    """Nothing happens outside before what it rests on is durable; nothing that is over again."""
    atoms = change.before.atoms()
    shapes = {group.name: group for group in groups}
    for what, job_id, by in calls(change):
        group = shapes[group_of(job_id)]
        if by != change.before.holder(group.name):
            continue  # counted as late

        def state(letter: str, group: Group = group) -> str:
            atom = atoms.get(group.job_id(letter))
            return atom.state if atom is not None else states.PENDING

        letter = job_id[-1]
        if what == EXECUTE:
            wanted = states.RUNNING
            wrong = [b for b in group.shape[letter] if state(b) != states.SUCCESS]
        else:
            wanted = states.REVERTING
            after = [a for a, before in group.shape.items() if letter in before]
            wrong = [a for a in after if state(a) not in (states.PENDING, states.REVERTED)]
        if state(letter) != wanted:
            yield f"{what} of {job_id} was called while it was {state(letter)}"
        if wrong:
            yield f"{what} of {job_id} was called although {[(w, state(w)) for w in wrong]}"


def calls(change: Change) -> Iterator[tuple[str, str, str]]:
    """The outside calls of a revision: which, for which job, by which conductor."""
    for key, event in change.events.items():
        if key.startswith(CALLS) and event.value is not None:
            what, _, job_id = key.removeprefix(CALLS).partition("/")
            yield what, job_id, document(event.value)["by"]


def _records(
    change: Change, groups: Sequence[Group]
) -> Iterator[tuple[str, GroupRecord | None, GroupRecord | None]]:
    for group in groups:
        yield group.name, change.before.record(group.name), change.after.record(group.name)


def _ended_now(change: Change, name: str) -> bool:
    before, after = change.before.record(name), change.after.record(name)
    was_over = before is not None and before.state.ended
    return after is not None and after.state.ended and not was_over


def _runs(view: View, name: str) -> bool:
    record = view.record(name)
    return record is not None and record.state is GroupState.RUNNING


def _outcome(atom: Atom | None) -> outcomes.Outcome | None:
    """What counts of a task's result now."""
    if atom is None or atom.state not in (states.SUCCESS, states.REVERTING):
        return None
    return outcomes.from_result(atom.results)


def _is_published(atom: Atom | None) -> bool:
    if atom is None:
        return False
    outcome = outcomes.from_result(atom.results)
    if outcome is None or outcome.error:
        return False
    undone = outcomes.from_result(atom.revert_results)
    stays = undone is not None and bool(undone.error)
    return atom.state in (states.SUCCESS, states.REVERTING) or stays


RULES: tuple[Rule, ...] = (
    group_steps_are_legal,
    claims_are_exclusive,
    end_is_one_revision,
    states_come_with_ends,
    atom_steps_are_legal,
    outcomes_come_with_what_they_publish,
    stacks_are_never_later_than_states,
    calls_rest_on_records,
)
