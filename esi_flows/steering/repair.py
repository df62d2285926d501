"""Runs the accepted configuration of a resource once more, though it has ended well.

The memo goes one version back, with the body it has, in one transaction with the order: from then
on the intent is a change like any other, in its own version, to be posted by whichever conductor
reads. The version of the intent stays: it belongs to whoever writes intents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.errors import Indeterminate, InvalidInput, StoreError
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import ResourceRef, group_name
from esi_flows.model.steering import Order
from esi_flows.steering.orders import TRIES
from esi_flows.store.base import KeyValue, Op, Put, ReadStore, Store, unchanged


@dataclass(frozen=True, slots=True)
class Standing:
    """What a repair rests on: intent and memo of one version, and the group that made it real."""

    resource: ResourceRef
    config: KeyValue
    memo: KeyValue
    intent: Intent
    group: KeyValue
    record: GroupRecord

    @property
    def put_back(self) -> KeyValue:
        """The memo with which the intent is a change again: of the same body."""
        back = Memo(Memo.decode(self.memo.key, self.memo.value).body, self.intent.version - 1)
        # as old as the intent, and no older than it: what is accepted is not newer
        return replace(self.memo, value=back.encode(), mod_revision=self.config.mod_revision)


def standing(store: ReadStore, catalog: Catalog, resource: ResourceRef) -> Standing:
    """How a resource stands that is to be repaired.

    Raises InvalidInput where it cannot be: it is under way, has failed, or is being deleted.
    """
    path = catalog.path(resource)
    config, memo = store.get(keys.config(path)), store.get(keys.memo(path))
    if config is None or memo is None:
        raise InvalidInput(f"{resource} has no intent any more", hint="write it anew to deploy it")
    intent = Intent.decode(config.key, config.value)
    if intent.marked_for_deletion:
        raise InvalidInput(f"{resource} is being deleted", hint=f"esi-flows delete {resource}")
    name = group_name(resource, intent.version)
    group = store.get(keys.group(name))
    accepted = Memo.decode(memo.key, memo.value).version
    if group is None or accepted != intent.version:
        raise InvalidInput(f"{name} is under way", hint=f"esi-flows status {resource}")
    record = GroupRecord.decode(group.key, group.value)
    if not record.state.ended:
        raise InvalidInput(f"{name} is under way", hint=f"esi-flows status {resource}")
    if record.state is not GroupState.SUCCESS:
        raise InvalidInput(
            f"{name} has not ended well ({record.state.value})",
            hint=f"esi-flows retry {resource} brings what is wanted",
        )
    return Standing(resource, config, memo, intent, group, record)


def repair(store: Store, catalog: Catalog, resource: ResourceRef, order: Order) -> GroupRecord:
    """Have a resource made right; the record of the group that made it so before.

    Durable when this returns. Raises InvalidInput as :func:`standing` does, StoreError.
    """
    for _ in range(TRIES):
        now = standing(store, catalog, resource)
        told = now.record.but(orders=(*now.record.orders, order))
        held = [unchanged(i.key, i.mod_revision) for i in (now.config, now.memo, now.group)]
        ops: list[Op] = [Put(now.memo.key, now.put_back.value), Put(now.group.key, told.encode())]
        course = store.get(keys.course(now.record.name, now.record.ended_at))
        if course is not None:
            held.append(unchanged(course.key, course.mod_revision))
            ops.append(Put(course.key, told.encode()))
        try:
            if store.txn(held, ops).succeeded:
                return now.record
        except Indeterminate:
            if _is_written(store, now, order):
                return now.record
    raise StoreError(f"{resource} moves faster than it can be repaired", hint="try again")


def _is_written(store: ReadStore, now: Standing, order: Order) -> bool:
    """Whether the order has arrived; a conductor may have posted the group anew since."""
    found = store.get(now.group.key)
    return found is not None and order in GroupRecord.decode(found.key, found.value).orders
