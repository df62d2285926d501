"""Lets a newer version of an intent take the place of an older one that has not begun."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from esi_flows.compiler.queue import Queue
from esi_flows.conductor import endings
from esi_flows.conductor.records import unfinished
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Memo
from esi_flows.model.jobs import Action, ResourceRef, group_name
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Compare, Op, ReadStore, absent, unchanged
from esi_flows.store.reflector import Reflector


@dataclass(frozen=True, slots=True)
class Older:
    """A group that waits, and the memo it was compiled from: what is really there."""

    record: GroupRecord
    base: Memo | None
    compares: Sequence[Compare]
    """That it still waits, and nobody wants anything of it."""

    def ops(self, version: int) -> list[Op]:
        """What ends it because there is ``version`` now."""
        return endings.superseded(self.record, version, now=time.time())


def older(
    store: ReadStore,
    cache: Reflector,
    queue: Queue,
    *,
    path: ResourcePath,
    resource: ResourceRef,
    memo: Memo | None,
) -> Older | None:
    """The group of the last accepted version if a newer one may take its place.

    It may not where the group has begun or deletes, somebody has steered it, or another group may
    be waiting for its jobs: then both run, one after the other. Nor where it is not known what the
    resource was before. Raises StoreError.
    """
    if memo is None:
        return None
    name = group_name(resource, memo.version)
    known = unfinished(cache, name)
    if known is None or cache.get(keys.claim(name)) or cache.get(keys.steering(name)):
        return None
    record, mod_revision = known
    is_deletion = record.action not in (Action.CREATE, Action.MODIFY)
    is_waiting = record.state is GroupState.PENDING and not record.attempts and not is_deletion
    if not is_waiting or queue.is_waited_for(record.job_ids, record.waits_for):
        return None
    before = store.get(keys.before(path))
    if before is None and record.action is not Action.CREATE:
        return None
    return Older(
        record,
        Memo.decode(before.key, before.value) if before is not None else None,
        (
            unchanged(keys.group(name), mod_revision),
            absent(keys.claim(name)),
            absent(keys.steering(name)),
            unchanged(keys.before(path), before.mod_revision if before is not None else 0),
        ),
    )


@contextmanager
def without(queue: Queue, job_ids: Sequence[str]) -> Iterator[None]:
    """The queue as it would be without these jobs, for as long as the block lasts."""
    taken = queue.take_out(job_ids)
    try:
        yield
    finally:
        queue.put_back(taken)
