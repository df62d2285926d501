"""Does what people want of groups and of the whole service, as it is written in etcd now.

Everything here looks at documents, never at events: an order may be found by the conductor that
runs the group, by one that starts much later, or by several at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from esi_flows.catalog.types import Catalog
from esi_flows.conductor import endings
from esi_flows.conductor.admission import Admission
from esi_flows.conductor.quarantining import Quarantining
from esi_flows.conductor.running import Running
from esi_flows.engine.run import forget_flow
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, Suspended
from esi_flows.model.groups import GroupRecord
from esi_flows.model.steering import Order, Pause, Steering, Want
from esi_flows.store.base import Compare, Delete, KeyValue, Op, Put, Store, absent, unchanged
from esi_flows.store.reflector import Reflector
from esi_flows.store.written import observe

LOG = logging.getLogger(__name__)

_PAUSE = keys.steering(keys.WHOLE_SERVICE)


class Helm:
    """One conductor's part in steering. Not thread-safe."""

    def __init__(
        self,
        store: Store,
        cache: Reflector,
        admission: Admission,
        running: Running,
        *,
        quarantine: Quarantining,
        catalog: Callable[[], Catalog],
    ) -> None:
        """``cache`` must follow steering, groups and quarantine."""
        self._store = store
        self._cache = cache
        self._admission = admission
        self._running = running
        self._quarantine = quarantine
        self._catalog = catalog

    @property
    def is_paused(self) -> bool:
        """Whether nobody may claim anything."""
        return self._cache.get(_PAUSE) is not None

    def compares(self, group: str) -> list[Compare]:
        """That nobody wants anything else of the group, or of the service, than is known here.

        Whoever claims compares it: an order that is durable is obeyed by every later claim.
        """
        return [unchanged(key, self._revision(key)) for key in (keys.steering(group), _PAUSE)]

    def order(self, record: GroupRecord) -> Order | None:
        """What is wanted of a group, None where nobody has said anything."""
        steering = self._steering(record.name)
        if steering is None or steering.posted_at != record.posted_at:
            return None  # of an earlier group of that name
        return steering.order

    def forbids(self, record: GroupRecord) -> bool:
        """Whether a group must not be claimed now: looking at what is wanted sees to the rest."""
        order = self.order(record)
        if order is None:
            return False
        return order.want is Want.SUSPEND or (order.want is Want.CANCEL and not record.attempts)

    def look(self, name: str) -> None:
        """See to it that what is wanted of a group, or of the whole service, happens.

        Raises StoreError.
        """
        if name == keys.WHOLE_SERVICE:
            self._look_at_service()
            return
        record = self._record(name)
        order = self.order(record) if record is not None else None
        is_stuck = name in self._quarantine
        if is_stuck:
            self._admission.hold(name)
        elif order is None or order.want is not Want.SUSPEND:
            self._admission.unhold(name)
        if record is None or record.state.ended or self._is_of_another(record):
            self._settle(name)
        elif order is not None and order.want is Want.SUSPEND:
            self._admission.hold(name)
            self._running.steer(name, order)
        elif order is not None and order.want is Want.CANCEL:
            self._running.steer(name, order)
            if is_stuck or not record.attempts:
                self._cancel(record, order)

    def _look_at_service(self) -> None:
        found = self._cache.get(_PAUSE)
        if found is None:
            self._admission.reconsider_all()
            return
        try:
            pause = Pause.decode(found.key, found.value)
        except DocumentInvalid as error:
            LOG.error("pause cannot be read; paused", extra={"reason": error.reason})
            return
        LOG.info("paused", extra={"by": pause.by, "reason": pause.reason})
        if pause.suspend:
            self._running.suspend(Suspended("the service is paused"))

    def _cancel(self, record: GroupRecord, order: Order) -> None:
        """End a group that nobody has begun, or that nobody can run."""
        found = self._cache.get(keys.group(record.name))
        if found is None:
            return
        final, ops = endings.called_off(
            record, f"cancelled {order}", catalog=self._catalog(), now=time.time()
        )
        ops += forget_flow(record.name)
        held = [
            unchanged(found.key, found.mod_revision),
            absent(keys.claim(record.name)),
            *self.compares(record.name)[:1],
        ]
        answer = self._store.txn(held, ops)
        if answer.succeeded:
            LOG.warning("group cancelled", extra={"group": record.name, "by": order.by})
            self._admission.update(final)
            observe(self._cache, ops, answer.revision)

    def _settle(self, name: str) -> None:
        """The group has ended: what people wanted of it goes into its course, and is over."""
        key = keys.steering(name)
        found, steering = self._cache.get(key), self._steering(name)
        if found is None:
            return
        held = [unchanged(key, found.mod_revision)]
        ops: list[Op] = [Delete(key)]
        for item in self._records_of(name):
            record = _decoded(item.key, item.value)
            if record is None or steering is None or record.posted_at != steering.posted_at:
                continue
            if not record.state.ended:
                return  # its end is what has not come to us, or not come at all
            told = record.but(orders=(*record.orders, *steering.orders))
            held.append(unchanged(item.key, item.mod_revision))
            ops.append(Put(item.key, told.encode()))
        answer = self._store.txn(held, ops)
        if answer.succeeded:
            observe(self._cache, ops, answer.revision)

    def _records_of(self, name: str) -> list[KeyValue]:
        """The record of a group as it is stored, and the courses of all that had its name."""
        record = self._store.get(keys.group(name))
        courses = self._store.range(keys.courses(name)).items
        return [record, *courses] if record is not None else list(courses)

    def _is_of_another(self, record: GroupRecord) -> bool:
        steering = self._steering(record.name)
        return steering is not None and steering.posted_at != record.posted_at

    def _steering(self, name: str) -> Steering | None:
        key = keys.steering(name)
        found = self._cache.get(key)
        try:
            return Steering.decode(key, found.value) if found is not None else None
        except DocumentInvalid as error:
            LOG.error("orders cannot be read", extra={"key": key, "reason": error.reason})
            return None

    def _record(self, name: str) -> GroupRecord | None:
        found = self._cache.get(keys.group(name))
        return _decoded(found.key, found.value) if found is not None else None

    def _revision(self, key: str) -> int:
        found = self._cache.get(key)
        return found.mod_revision if found is not None else 0


def _decoded(key: str, value: bytes) -> GroupRecord | None:
    try:
        return GroupRecord.decode(key, value)
    except DocumentInvalid:
        return None  # reported when it was taken in
