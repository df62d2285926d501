"""Takes what has changed in etcd into the conductor's own picture of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from esi_flows.compiler.queue import Queue
from esi_flows.conductor.admission import Admission
from esi_flows.conductor.templates import CurrentCatalog
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import Job
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import KeyValue
from esi_flows.store.reflector import Reflector

LOG = logging.getLogger(__name__)

WATCHED = (
    keys.CONFIG,
    keys.MEMO,
    keys.JOBS,
    keys.GROUPS,
    keys.CLAIMS,
    keys.STEERING,
    keys.QUARANTINE,
)
"""The prefixes that a conductor keeps a copy of."""


class Intake:
    """Keeps the queue, admission and the catalog true to the cache, key by key.

    Works on keys, never on events: a key may be taken in any number of times, in any order.
    """

    def __init__(
        self,
        cache: Reflector,
        queue: Queue,
        admission: Admission,
        catalog: CurrentCatalog,
        *,
        on_claim: Callable[[KeyValue], None],
        on_record: Callable[[KeyValue, InvalidInput | None], None],
        on_steering: Callable[[str], None],
    ) -> None:
        """``on_claim`` is told of every claim that somebody holds, ``on_record`` of every record of
        a group and why it cannot be used, ``on_steering`` of the names of which what is wanted has
        to be looked at.
        """
        self._cache = cache
        self._queue = queue
        self._admission = admission
        self._catalog = catalog
        self._on_claim = on_claim
        self._on_record = on_record
        self._on_steering = on_steering

    def everything(self) -> list[str]:
        """Every key there is."""
        return [item.key for prefix in WATCHED for item in self._cache.items(prefix)]

    def all_resources(self) -> set[ResourcePath]:
        """Every resource that has an intent, or had one."""
        paths = {
            keys.parse_resource(item.key, root)
            for root in (keys.CONFIG, keys.MEMO)
            for item in self._cache.items(root)
        }
        return {path for path in paths if path is not None}

    def take_in(self, key: str) -> set[ResourcePath]:
        """Look at a key again; the resources whose intents must be looked at because of it."""
        if key.startswith(keys.JOBS):
            self._job(key)
        elif key.startswith(keys.CLAIMS):
            self._claim(key)
        elif key.startswith(keys.GROUPS):
            return self._group(key)
        elif key.startswith(keys.STEERING):
            self._on_steering(key.removeprefix(keys.STEERING))
        elif key.startswith(keys.QUARANTINE):
            return self._quarantine(key)
        else:
            self._catalog.take_in(key)
            root = keys.CONFIG if key.startswith(keys.CONFIG) else keys.MEMO
            path = keys.parse_resource(key, root)
            return {path} if path is not None else set()
        return set()

    def _quarantine(self, key: str) -> set[ResourcePath]:
        """What has left quarantine is to be looked at again: somebody may want that."""
        document = keys.quarantined(key)
        if document.startswith(keys.GROUPS):
            self._on_steering(document.removeprefix(keys.GROUPS))
            return self._group(document)
        path = keys.parse_resource(document, keys.CONFIG)
        return {path} if path is not None and self._cache.get(key) is None else set()

    def _job(self, key: str) -> None:
        found = self._cache.get(key)
        if found is None:
            self._queue.remove(key.removeprefix(keys.JOBS))
            return
        try:
            job = Job.decode(key, found.value)
            _check_name(key, job.id, keys.job(job.id))
            self._queue.add(job)
        except DocumentInvalid as error:
            LOG.error("job cannot be read", extra={"key": key, "reason": error.reason})

    def _claim(self, key: str) -> None:
        name = key.removeprefix(keys.CLAIMS)
        found = self._cache.get(key)
        if found is None:
            self._admission.released(name)
        else:
            self._admission.claimed(name)
            self._on_claim(found)

    def _group(self, key: str) -> set[ResourcePath]:
        found = self._cache.get(key)
        if found is None:
            self._admission.forget(key.removeprefix(keys.GROUPS))
            return set()
        try:
            record = GroupRecord.decode(key, found.value)
            _check_name(key, record.name, keys.group(record.name))
            path = self._catalog.now.path(record.resource)
        except InvalidInput as error:
            self._on_record(found, error)
            return set()
        self._on_record(found, None)
        self._admission.update(record)
        if self._cache.get(keys.steering(record.name)) is not None:
            self._on_steering(record.name)
        if not record.state.ended:
            return set()
        for job_id in record.job_ids:
            self._queue.remove(job_id)  # gone with the end, whenever the watch of jobs says so
        return {path}


def _check_name(key: str, name: str, key_of_that_name: str) -> None:
    """Raises DocumentInvalid where a document speaks of another than its key."""
    if key != key_of_that_name:
        raise DocumentInvalid(key, f"the document is the one of {name!r}, not of its key")
