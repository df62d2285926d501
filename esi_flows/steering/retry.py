"""Tries again what has ended badly: its intent is compiled anew, as if it had not been accepted.

The memo goes back to what was accepted before, in one transaction with the order; from then on it
is a change like any other, to be posted by whichever conductor reads. Nothing of the failed run is
needed for it, and handlers find by name what it may have left standing.
"""

from __future__ import annotations

from dataclasses import dataclass

from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.errors import EsiFlowsError, Indeterminate, InvalidInput, StoreError
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, ResourceRef, group_name, group_of, is_job_id
from esi_flows.model.steering import Order
from esi_flows.steering.orders import TRIES
from esi_flows.store.base import Delete, Op, Put, ReadStore, Store, unchanged


@dataclass(frozen=True, slots=True)
class Retried:
    """What is tried again, the cause first; ``under_way``: the group is at it already."""

    groups: tuple[str, ...]
    under_way: bool = False


def retry(
    store: Store, catalog: Catalog, resource: ResourceRef, order: Order, *, alone: bool = False
) -> Retried:
    """Try again the newest group of a resource, and, unless ``alone``, what was cancelled for it.

    Typed again after an interruption it goes on. Raises InvalidInput where there is nothing to be
    tried again, or no way to; StoreError.
    """
    name, state = _standing(store, catalog, resource)
    tried = []
    if state is not None and state.ended and state is not GroupState.SUCCESS:
        if not _again(store, catalog, resource, order):
            return Retried((), under_way=True)
        tried.append(name)
    if not alone:
        for dependent in _cancelled_by(store, name):
            if _again(store, catalog, dependent.resource, order):
                tried.append(dependent.name)
    if not tried and state is GroupState.SUCCESS:
        raise InvalidInput(
            f"{name} has ended well: there is nothing to try again",
            hint="change the intent to deploy it anew",
        )
    return Retried(tuple(tried), under_way=not tried)


def _standing(
    store: ReadStore, catalog: Catalog, resource: ResourceRef
) -> tuple[str, GroupState | None]:
    """The group of the newest intent, and where it is. Raises InvalidInput."""
    path = catalog.path(resource)
    config = store.get(keys.config(path))
    if config is None:
        raise InvalidInput(f"{resource} has no intent any more", hint="write it anew to deploy it")
    intent = Intent.decode(config.key, config.value)
    name = group_name(resource, intent.version)
    found = store.get(keys.group(name))
    if found is not None:
        return name, GroupRecord.decode(found.key, found.value).state
    if store.get(keys.quarantine(config.key)) is not None:
        raise InvalidInput(
            f"the intent of {resource} could not be compiled",
            hint=f"esi-flows quarantine show {config.key}",
        )
    raise InvalidInput(f"{name} has no job group", hint=f"esi-flows status {resource} shows why")


def _again(store: Store, catalog: Catalog, resource: ResourceRef, order: Order) -> bool:
    """Put the memo back; False if the group is not one that has ended badly any more."""
    path = catalog.path(resource)
    for _ in range(TRIES):
        config, memo = store.get(keys.config(path)), store.get(keys.memo(path))
        before = store.get(keys.before(path))
        if config is None or memo is None:
            return False
        version = Intent.decode(config.key, config.value).version
        found = store.get(keys.group(group_name(resource, version)))
        if found is None or Memo.decode(memo.key, memo.value).version != version:
            return False  # put back already, or a newer version is on its way
        record = GroupRecord.decode(found.key, found.value)
        if not record.state.ended or record.state is GroupState.SUCCESS:
            return False
        if before is None and record.action is not Action.CREATE:
            raise InvalidInput(
                f"what {resource} was before {record.name} is not recorded",
                hint="change the intent to deploy it anew",
            )
        told = record.but(orders=(*record.orders, order))
        held = [unchanged(item.key, item.mod_revision) for item in (config, memo, found)]
        held.append(unchanged(keys.before(path), before.mod_revision if before else 0))
        ops: list[Op] = [Put(found.key, told.encode())]
        ops.append(Put(memo.key, before.value) if before is not None else Delete(memo.key))
        course = keys.course(record.name, record.ended_at)
        kept = store.get(course)
        if kept is not None:
            held.append(unchanged(course, kept.mod_revision))
            ops.append(Put(course, told.encode()))
        try:
            if store.txn(held, ops).succeeded:
                return True
        except Indeterminate:
            continue  # whether it was written is seen by reading it
    raise StoreError(f"{resource} moves faster than it can be steered", hint="try again")


def _cancelled_by(store: ReadStore, group: str) -> list[GroupRecord]:
    """Groups that never ran because a job of that one failed, in the order they were posted."""
    found = []
    for item in store.range(keys.GROUPS).items:
        try:
            record = GroupRecord.decode(item.key, item.value)
        except EsiFlowsError:
            continue  # conductors report it
        job = record.failed_job
        if record.state is GroupState.CANCELLED and is_job_id(job) and group_of(job) == group:
            found.append(record)
    return sorted(found, key=lambda record: record.posted_at)
