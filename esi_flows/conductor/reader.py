"""Turns changes of intents into posted job groups. One conductor at a time has this role."""

from __future__ import annotations

import heapq
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable

from esi_flows.compiler.changes import compile_change, is_change
from esi_flows.compiler.groups import JobGroup, NotWorkable
from esi_flows.compiler.queue import Queue
from esi_flows.conductor import superseding
from esi_flows.conductor.documents import CachedDocuments
from esi_flows.conductor.posting import Poster, Seen
from esi_flows.conductor.templates import CurrentCatalog
from esi_flows.model import codec, keys
from esi_flows.model.errors import (
    DocumentInvalid,
    InvalidInput,
    MissingDocument,
    StoreError,
    TooLarge,
)
from esi_flows.model.groups import GroupRecord
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, ResourceRef, group_name
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import READ_COMPLETE, State, failed
from esi_flows.store.base import Delete, DeletePrefix, Op, Put, Store
from esi_flows.store.claims import Claim
from esi_flows.store.reflector import Reflector

LOG = logging.getLogger(__name__)


class Reader:
    """Compares what is wanted with what was last accepted, and posts the difference.

    Works on keys, never on events: any resource may be looked at at any time, and nothing is done
    where there is nothing to do. Not thread-safe.
    """

    def __init__(
        self,
        store: Store,
        cache: Reflector,
        catalog: CurrentCatalog,
        queue: Queue,
        *,
        suffix: Callable[[], str],
    ) -> None:
        """``suffix`` makes the random end of job ids."""
        self._store = store
        self._cache = cache
        self._catalog = catalog
        self._queue = queue
        self._suffix = suffix
        self._poster = Poster(store, cache, queue)
        self._documents = CachedDocuments(cache, catalog.now)
        self._waiting: defaultdict[str, set[ResourcePath]] = defaultdict(set)
        self._undecided: set[ResourcePath] = set()
        self._todo: list[tuple[tuple[int, ResourcePath], ResourcePath]] = []
        self._queued: set[ResourcePath] = set()

    def consider_all(
        self, paths: Iterable[ResourcePath], claim: Claim, *, most: int | None = None
    ) -> bool:
        """Look at intents in the order in which they were written, as the recorded reader did.

        At most ``most`` of them (None: all); whether there are more, to be looked at the next time.
        Raises StoreError; those left undecided by it are looked at the next time.
        """
        self._undecided.update(paths)
        self._poster.sweep(claim)
        undecided, self._undecided = self._undecided, set()
        self._enqueue(undecided)
        looked = 0
        while self._todo and looked != most:
            _, path = heapq.heappop(self._todo)
            self._queued.discard(path)
            looked += 1
            try:
                self.consider(path, claim)
            except StoreError:
                self._undecided.add(path)
                raise
            except Exception:
                LOG.exception("intent not compiled, a defect", extra={"key": keys.config(path)})
            if self._cache.get(keys.config(path)) is not None:
                self._enqueue(self._waiting_for(path))
        return bool(self._todo)

    def _enqueue(self, paths: Iterable[ResourcePath]) -> None:
        for path in paths:
            if path not in self._queued:
                self._queued.add(path)
                heapq.heappush(self._todo, (self._written_at(path), path))

    def take_over(self, claim: Claim) -> None:
        """Begin to have the reader's role, once all that the last one wrote is known.

        Raises StoreError.
        """
        self._poster.sweep(claim, thoroughly=True)

    def consider(self, path: ResourcePath, claim: Claim) -> None:
        """Post what the intent at ``path`` asks for. Raises StoreError; then nothing is decided."""
        resource = self._catalog.now.resource(path)
        seen = Seen(path, self._cache.get(keys.config(path)), self._cache.get(keys.memo(path)))
        try:
            if path.collection == keys.HEAT_TEMPLATE_COLLECTION:
                self._template(seen, claim)
            elif seen.config is None:
                self._remove(seen, resource, claim)
            elif resource is None:
                raise DocumentInvalid(
                    seen.config.key,
                    f"no resource type has the collection {path.collection!r}",
                    hint="add the type to the catalog, or remove the document",
                )
            else:
                intent = Intent.decode(seen.config.key, seen.config.value)
                self._change(seen, resource, intent, claim)
        except InvalidInput as error:
            self._refuse(seen, error, claim)
        except TooLarge as error:
            self._refuse(seen, InvalidInput(error.message, hint=error.hint), claim)

    def _template(self, seen: Seen, claim: Claim) -> None:
        """A template is never compiled and has no state; one that cannot be used is told so."""
        refusal = self._catalog.refusal(keys.config(seen.path))
        if refusal is not None:
            raise refusal
        ops = self._unquarantined(seen.path)
        if ops:
            self._poster.write(seen, ops, claim)

    def _waiting_for(self, path: ResourcePath) -> set[ResourcePath]:
        """Resources that could not be compiled because the one at ``path`` was missing."""
        resource = self._catalog.now.resource(path)
        return self._waiting.pop(str(resource), set()) if resource is not None else set()

    def _written_at(self, path: ResourcePath) -> tuple[int, ResourcePath]:
        """What was written in one transaction is in the order of its keys: the same everywhere."""
        found = self._cache.get(keys.config(path))
        return (found.mod_revision if found is not None else 0), path

    def _change(self, seen: Seen, resource: ResourceRef, intent: Intent, claim: Claim) -> None:
        memo = Memo.decode(seen.memo.key, seen.memo.value) if seen.memo is not None else None
        name = group_name(resource, intent.version)
        if not is_change(intent, memo) or self._is_busy(resource, name):
            return
        if self._supersede(seen, resource, intent, memo, claim):
            return
        compiled = self._compile(resource, intent, memo)
        ops: list[Op] = [Put(keys.memo(seen.path), Memo.of(intent).encode())]
        if seen.memo is not None:
            ops.append(Put(keys.before(seen.path), seen.memo.value))
        ops += self._unquarantined(seen.path)
        if isinstance(compiled, NotWorkable):
            state = State(version=intent.version, worker_state=READ_COMPLETE)
            ops.insert(0, Put(keys.state(seen.path), state.encode()))
            if not self._poster.write(seen, ops, claim, group=name):
                self._undecided.add(seen.path)
        elif not self._poster.post(seen, compiled, ops, claim):
            self._undecided.add(seen.path)

    def _supersede(
        self, seen: Seen, resource: ResourceRef, intent: Intent, memo: Memo | None, claim: Claim
    ) -> bool:
        """Whether the change has taken the place of one that waits; else both run in turn.

        A deletion never does: what was to be made before it is told of as deleted only then.
        """
        if intent.marked_for_deletion:
            return False
        older = superseding.older(
            self._store, self._cache, self._queue, path=seen.path, resource=resource, memo=memo
        )
        if older is None:
            return False
        with superseding.without(self._queue, older.record.job_ids):
            compiled = self._compile(resource, intent, older.base)
        if isinstance(compiled, NotWorkable):
            return False
        ops = [
            Put(keys.memo(seen.path), Memo.of(intent).encode()),
            *self._unquarantined(seen.path),
            *older.ops(intent.version),
        ]
        if not self._poster.post(seen, compiled, ops, claim, compares=older.compares):
            self._undecided.add(seen.path)
            return True
        for job_id in older.record.job_ids:
            self._queue.remove(job_id)
        LOG.info("group superseded", extra={"group": older.record.name, "by": compiled.name})
        return True

    def _compile(
        self, resource: ResourceRef, intent: Intent, memo: Memo | None
    ) -> JobGroup | NotWorkable:
        return compile_change(
            resource,
            intent,
            memo=memo,
            documents=self._documents,
            catalog=self._catalog.now,
            queue=self._queue,
            suffix=self._suffix,
        )

    def _remove(self, seen: Seen, resource: ResourceRef | None, claim: Claim) -> None:
        """An intent is gone: drop our own records of it, once nothing works on it any more."""
        ops = self._unquarantined(seen.path)
        group = ""
        if resource is not None and seen.memo is not None and not self._is_busy(resource):
            records = (keys.memo, keys.before, keys.heat_stack, keys.stack_record)
            ops += [Delete(key(seen.path)) for key in records]
            ops.append(DeletePrefix(keys.targets(seen.path)))
            group = group_name(resource, Memo.decode(seen.memo.key, seen.memo.value).version)
        if ops and self._poster.write(seen, ops, claim, group=group):
            LOG.info("resource forgotten", extra={"resource": str(seen.path)})

    def _refuse(self, seen: Seen, error: InvalidInput, claim: Claim) -> None:
        """Quarantine a document that cannot be compiled, and say so in its state."""
        key = keys.quarantine(keys.config(seen.path))
        if isinstance(error, MissingDocument):
            self._waiting[error.missing].add(seen.path)
        # with the revision, so that the same fault of a newer document is told anew
        revision = seen.config.mod_revision if seen.config is not None else 0
        note = codec.dumps({"reason": error.message, "hint": error.hint, "revision": revision})
        known = self._cache.get(key)
        if known is not None and known.value == note:
            return
        ops: list[Op] = [Put(key, note)]
        if seen.config is not None and not isinstance(error, DocumentInvalid):
            version = Intent.decode(seen.config.key, seen.config.value).version
            action = Action.MODIFY if seen.memo is not None else Action.CREATE
            state = State(version=version, worker_state=failed(action), error=error.message)
            ops.append(Put(keys.state(seen.path), state.encode()))
        if self._poster.write(seen, ops, claim):
            LOG.warning("intent refused", extra={"key": key, "reason": error.message})

    def _is_busy(self, resource: ResourceRef, name: str = "") -> bool:
        """Whether a group of the resource, or the one of that name, has not ended."""
        for item in self._cache.items(keys.group(name or f"{resource}:")):
            try:
                record = GroupRecord.decode(item.key, item.value)
            except DocumentInvalid:
                continue  # reported when it was taken in
            mine = record.name == name if name else record.resource == resource
            if mine and not record.state.ended:
                return True
        return False

    def _unquarantined(self, path: ResourcePath) -> list[Op]:
        key = keys.quarantine(keys.config(path))
        return [Delete(key)] if self._cache.get(key) is not None else []
