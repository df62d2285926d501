"""What must hold of every write that etcd has accepted: read off the operation log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from esi_flows.engine import details
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import group_of
from esi_flows.store.base import Compare, Delete, KeyValue, Put, Target, absent, created_at
from tests.crash.history import Change, View, atom_in
from tests.crash.recording import Operation


def wrongly_written(history: Sequence[Change], operations: Iterable[Operation]) -> Iterator[str]:
    """I1: every write of a group is behind its claim, and none can take effect a second time."""
    by_revision = {change.revision: change for change in history}
    for operation in operations:
        change = by_revision.get(operation.revision)
        if not operation.succeeded or change is None or not _is_of(operation, change):
            continue
        for group in _groups(change):
            if not _is_behind_claim(operation, change, group):
                yield f"at {change.revision}: {group} was written without its claim: {operation}"
        if not _is_spent(operation):
            yield f"at {change.revision}: a delayed copy could still be executed: {operation}"


def _is_of(operation: Operation, change: Change) -> bool:
    """Whether it made that revision; one that changes nothing is answered with an older one."""
    return all(op.key in change.events for op in operation.ops if isinstance(op, Put))


def _groups(change: Change) -> set[str]:
    """The groups whose keys were written."""
    found = set()
    for key in change.events:
        item = change.after.items.get(key) or change.before.items.get(key)
        if item is not None:
            found |= set(_owners(item, change))
    return found


def _owners(item: KeyValue, change: Change) -> Iterator[str]:
    if item.key.startswith(keys.JOBS):
        yield group_of(item.key.removeprefix(keys.JOBS))
    elif item.key.startswith(keys.GROUPS):
        yield item.key.removeprefix(keys.GROUPS)
    elif item.key.startswith((keys.STATE, keys.JOB_STATE, keys.HEAT_STACKS)):
        yield from _running_on(item.key, change.before)
    elif item.key.startswith(keys.PERSISTENCE):
        atom = atom_in(item)
        if atom is not None:
            yield group_of(atom.job_id)
        elif item.key.endswith("/flow"):
            yield details.decode_flow(item.key, item.value).name


def _running_on(key: str, view: View) -> Iterator[str]:
    resource = key.rpartition("/")[2]
    for item in view.below(keys.GROUPS):
        record = GroupRecord.decode(item.key, item.value)
        if record.resource.id == resource and record.state is GroupState.RUNNING:
            yield record.name


def _is_behind_claim(operation: Operation, change: Change, group: str) -> bool:
    claim = keys.claim(group)
    held = change.before.items.get(claim)
    if held is not None:
        return created_at(claim, held.create_revision) in operation.compares
    record = change.before.record(group)
    if record is None:
        return True  # it is posted only now
    # nobody's group is claimed, or cancelled, and neither if somebody else has touched it
    is_read: Mapping[str, Compare] = {c.key: c for c in operation.compares}
    return absent(claim) in operation.compares and keys.group(group) in is_read


def _is_spent(operation: Operation) -> bool:
    """Whether its own effect keeps it from being executed again; or it would do no harm."""
    if all(isinstance(op, Put) and op.key.startswith(keys.CONDUCTORS) for op in operation.ops):
        return True  # a name of its own, which goes with the lease
    put = {op.key for op in operation.ops if isinstance(op, Put)}
    gone = {op.key for op in operation.ops if isinstance(op, Delete)}
    return any(
        (compare.key in put and (compare.target is Target.MOD or compare == absent(compare.key)))
        or compare.key in gone
        for compare in operation.compares
    )
