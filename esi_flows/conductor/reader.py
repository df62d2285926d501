"""Turns changes of intents into posted job groups. One conductor at a time has this role."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.changes import compile_change, is_change
from esi_flows.compiler.groups import JobGroup, NotWorkable
from esi_flows.compiler.queue import Queue
from esi_flows.conductor.documents import CachedDocuments
from esi_flows.conductor.written import observe
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput, MissingDocument
from esi_flows.model.groups import GroupRecord
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import READ_COMPLETE, State, failed
from esi_flows.store.base import Delete, Op, Put, Store, unchanged
from esi_flows.store.claims import Claim
from esi_flows.store.reflector import Reflector

LOG = logging.getLogger(__name__)


class Reader:
    """Compares what is wanted with what was last accepted, and posts the difference.

    Works on keys, never on events: :meth:`consider` may be called for any resource at any time and
    does nothing where there is nothing to do. Not thread-safe.
    """

    def __init__(
        self,
        store: Store,
        cache: Reflector,
        catalog: Catalog,
        queue: Queue,
        *,
        suffix: Callable[[], str],
        is_busy: Callable[[ResourceRef], bool],
    ) -> None:
        """``suffix`` makes the random end of job ids; ``is_busy``: has an unfinished group."""
        self._store = store
        self._cache = cache
        self._catalog = catalog
        self._queue = queue
        self._suffix = suffix
        self._is_busy = is_busy
        self._documents = CachedDocuments(cache, catalog)
        self._waiting: defaultdict[str, set[ResourcePath]] = defaultdict(set)

    def consider(self, path: ResourcePath, claim: Claim) -> None:
        """Post what the intent at ``path`` asks for. Raises StoreError; then nothing is decided."""
        if path.collection == keys.HEAT_TEMPLATE_COLLECTION:
            return
        resource = self._catalog.resource(path)
        found = self._cache.get(keys.config(path))
        try:
            if resource is None:
                if found is not None:
                    raise DocumentInvalid(
                        keys.config(path),
                        f"no resource type has the collection {path.collection!r}",
                        hint="add the type to the catalog, or remove the document",
                    )
            elif found is None:
                self._remove(path, resource, claim)
            else:
                self._change(path, resource, Intent.decode(found.key, found.value), claim)
        except InvalidInput as error:
            self._refuse(path, error, claim)

    def waiting_for(self, path: ResourcePath) -> set[ResourcePath]:
        """Resources that could not be compiled because the one at ``path`` was missing."""
        resource = self._catalog.resource(path)
        return self._waiting.pop(str(resource), set()) if resource is not None else set()

    def _change(
        self, path: ResourcePath, resource: ResourceRef, intent: Intent, claim: Claim
    ) -> None:
        memo = self._memo(path)
        if not is_change(intent, memo):
            return
        compiled = compile_change(
            resource,
            intent,
            memo=memo,
            documents=self._documents,
            catalog=self._catalog,
            queue=self._queue,
            suffix=self._suffix,
        )
        ops: list[Op] = [Put(keys.memo(path), Memo.of(intent).encode())]
        if isinstance(compiled, NotWorkable):
            state = State(version=intent.version, worker_state=READ_COMPLETE)
            ops.insert(0, Put(keys.state(path), state.encode()))
        else:
            ops += _posting(compiled)
        if self._cache.get(keys.quarantine(keys.config(path))) is not None:
            ops.append(Delete(keys.quarantine(keys.config(path))))
        if self._write(path, ops, claim) and isinstance(compiled, JobGroup):
            for job in compiled.jobs:
                self._queue.add(job)
            LOG.info(
                "group posted",
                extra={"group": compiled.name, "waits_for": list(compiled.waits_for)},
            )

    def _remove(self, path: ResourcePath, resource: ResourceRef, claim: Claim) -> None:
        """An intent is gone: drop our own records of it, once nothing works on it any more."""
        if self._cache.get(keys.memo(path)) is None or self._is_busy(resource):
            return
        written = self._write(
            path,
            [
                Delete(keys.memo(path)),
                Delete(keys.heat_stack(path)),
                Delete(keys.stack_record(path)),
                Delete(keys.quarantine(keys.config(path))),
            ],
            claim,
        )
        if written:
            LOG.info("resource forgotten", extra={"resource": str(resource)})

    def _refuse(self, path: ResourcePath, error: InvalidInput, claim: Claim) -> None:
        """Quarantine a document that cannot be compiled, and say so in its state."""
        key = keys.quarantine(keys.config(path))
        if isinstance(error, MissingDocument):
            self._waiting[error.missing].add(path)
        note = codec.dumps({"reason": error.message, "hint": error.hint})
        known = self._cache.get(key)
        if known is not None and known.value == note:
            return
        ops: list[Op] = [Put(key, note)]
        found = self._cache.get(keys.config(path))
        if found is not None and not isinstance(error, DocumentInvalid):
            version = Intent.decode(found.key, found.value).version
            changed = self._cache.get(keys.memo(path)) is not None
            action = Action.MODIFY if changed else Action.CREATE
            state = State(version=version, worker_state=failed(action), error=error.message)
            ops.append(Put(keys.state(path), state.encode()))
        if self._write(path, ops, claim):
            LOG.warning("intent refused", extra={"key": key, "reason": error.message})

    def _memo(self, path: ResourcePath) -> Memo | None:
        found = self._cache.get(keys.memo(path))
        return Memo.decode(found.key, found.value) if found is not None else None

    def _write(self, path: ResourcePath, ops: Sequence[Op], claim: Claim) -> bool:
        """Write on condition that nothing we decided on has changed since.

        False: something has, and the watch brings it; it is decided again then.
        """
        config, memo = self._cache.get(keys.config(path)), self._cache.get(keys.memo(path))
        compares = [
            claim.fence,
            unchanged(keys.config(path), config.mod_revision if config is not None else 0),
            unchanged(keys.memo(path), memo.mod_revision if memo is not None else 0),
        ]
        answer = self._store.txn(compares, ops)
        if answer.succeeded:
            observe(self._cache, ops, answer.revision)
        return answer.succeeded


def _posting(group: JobGroup) -> list[Op]:
    record = GroupRecord(
        name=group.name,
        action=group.action,
        resource=group.resource,
        version=group.version,
        job_ids=tuple(job.id for job in group.jobs),
        waits_for=group.waits_for,
        posted_at=time.time(),
    )
    posted: list[Op] = [Put(keys.job(job.id), job.encode()) for job in group.jobs]
    return [*posted, Put(keys.group(group.name), record.encode())]
