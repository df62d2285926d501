"""Gives an order to a group that has not ended, if it can still be obeyed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, Indeterminate, InvalidInput, StoreError
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.steering import Order, Steering, Want
from esi_flows.store.base import Compare, KeyValue, Put, ReadStore, Store, unchanged

TRIES = 20
"""How often an order is given anew because the group has moved meanwhile: it moves a few times."""


@dataclass(frozen=True, slots=True)
class Given:
    """What came of an order: it was written, or it was wanted already."""

    record: GroupRecord
    is_new: bool


def groups_of(store: ReadStore, resource: ResourceRef) -> list[GroupRecord]:
    """The groups of a resource that are recorded, the newest version last."""
    found = []
    for item in store.range(f"{keys.GROUPS}{resource}:").items:
        record = _record(item)
        if record is not None and record.resource == resource:
            found.append(record)
    return sorted(found, key=lambda record: record.version)


def give(store: Store, group: str, order: Order) -> Given:
    """Write an order, durable when this returns. Given twice, it is written once.

    Raises InvalidInput where the group cannot obey any more: it has ended, or is being cancelled.
    Raises StoreError.
    """
    for _ in range(TRIES):
        found, steering_found = store.get(keys.group(group)), store.get(keys.steering(group))
        record = _record(found)
        if found is None or record is None:
            raise InvalidInput(f"there is no group {group}", hint="esi-flows status lists what is")
        if record.state.ended:
            raise InvalidInput(
                f"{group} has ended ({record.state.value}), and cannot {_VERBS[order.want]} now",
                hint=_after_end(record),
            )
        orders = _orders(steering_found, record)
        if not _is_news(group, orders, order.want):
            return Given(record, is_new=order in orders)
        steering = Steering(record.posted_at, (*orders, order))
        revision = steering_found.mod_revision if steering_found is not None else 0
        held = [
            unchanged(found.key, found.mod_revision),
            unchanged(keys.steering(group), revision),
        ]
        try:
            if store.txn(held, [Put(keys.steering(group), steering.encode())]).succeeded:
                return Given(record, is_new=True)
        except Indeterminate:
            continue  # whether it was written is seen by reading it
    raise StoreError(f"{group} moves faster than it can be steered", hint="try again")


class Added(NamedTuple):
    """What writes one more order, if nobody else has given one meanwhile."""

    held: Compare
    op: Put


def added(store: ReadStore, record: GroupRecord, order: Order) -> Added:
    """One more order for a group, to be written together with something else. Raises StoreError."""
    found = store.get(keys.steering(record.name))
    steering = Steering(record.posted_at, (*_orders(found, record), order))
    revision = found.mod_revision if found is not None else 0
    key = keys.steering(record.name)
    return Added(unchanged(key, revision), Put(key, steering.encode()))


_VERBS = {
    Want.RUN: "be resumed",
    Want.SUSPEND: "be suspended",
    Want.CANCEL: "be cancelled",
    Want.RETRY: "be tried again",
}


def _is_news(group: str, orders: tuple[Order, ...], want: Want) -> bool:
    """Whether that is not wanted already. Raises InvalidInput where it cannot be wanted."""
    now = Steering(0.0, orders)
    if now.want is Want.CANCEL and want is not Want.CANCEL:
        raise InvalidInput(
            f"{group} was cancelled {now.order}, and cannot {_VERBS[want]}",
            hint=f"wait for its end, then esi-flows retry {group.rpartition(':')[0]}",
        )
    return now.want is not want


def _after_end(record: GroupRecord) -> str:
    if record.state is GroupState.SUCCESS:
        return f"esi-flows delete {record.resource} takes away what it has made"
    return f"esi-flows retry {record.resource}"


def _orders(found: KeyValue | None, record: GroupRecord) -> tuple[Order, ...]:
    """The orders given to this very group; what cannot be read counts as none, and is replaced."""
    if found is None:
        return ()
    try:
        steering = Steering.decode(found.key, found.value)
    except DocumentInvalid:
        return ()
    return steering.orders if steering.posted_at == record.posted_at else ()


def _record(found: KeyValue | None) -> GroupRecord | None:
    if found is None:
        return None
    try:
        return GroupRecord.decode(found.key, found.value)
    except DocumentInvalid:
        return None
