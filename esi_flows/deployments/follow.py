"""Follows resources to their results: list and watch, no polling."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.monitoring import MESSENGER, READER
from esi_flows.deployments.board import PREFIXES, Board
from esi_flows.deployments.progress import Followed, ResourceProgress
from esi_flows.model import codec, keys
from esi_flows.model.errors import DocumentInvalid, EsiFlowsError, StoreUnavailable
from esi_flows.model.jobs import ResourceRef, group_name
from esi_flows.model.results import READ_COMPLETE, Target
from esi_flows.store.base import Store
from esi_flows.store.reflector import Reflector

LOG = logging.getLogger(__name__)

SYNC_SECONDS = 30.0

Show = Callable[[Board, Sequence[ResourceProgress]], None]
"""Called with the board and the resources that moved; first with all of them."""


class Follower:
    """A cache of the store that tells when resources have their results.

    Use as a context manager. ``abort`` (from any thread) ends a running :meth:`follow`.
    """

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog
        self._events: queue.SimpleQueue[Sequence[str] | EsiFlowsError] = queue.SimpleQueue()
        self._cache = Reflector(store, (*PREFIXES, keys.MONITORING), on_change=self._events.put)

    def __enter__(self) -> Self:
        self._cache.start()
        if not self._cache.wait_synced(SYNC_SECONDS):
            self._cache.stop()
            raise StoreUnavailable(
                "the store could not be listed in time", hint="is etcd reachable and healthy?"
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cache.stop()

    def abort(self, error: EsiFlowsError) -> None:
        """Make a running :meth:`follow` raise ``error``."""
        self._events.put(error)

    def board(self, followed: Iterable[Followed]) -> Board:
        """The board of some resources, as of now."""
        board = Board(self._cache.get, self._catalog, followed)
        board.update(item.key for item in self._cache.items(keys.PERSISTENCE))
        return board

    def follow(
        self, followed: Sequence[Followed], *, show: Show, until_monitored: bool = False
    ) -> Board:
        """Wait until every resource has the result of its version; the board as it is then.

        With ``until_monitored`` also until ``/monitoring`` reports every target of those that
        ended well. ``show`` is called from this thread.
        """
        board = self.board(followed)
        show(board, list(board.resources.values()))
        waiting = _Waiting(self, until_monitored)
        left = {p.resource for p in board.resources.values() if not waiting.is_over(p)}
        while left:
            changed = self._events.get()
            if isinstance(changed, EsiFlowsError):
                raise changed
            moved = board.update(changed)
            if moved:
                show(board, moved)
            touched = {p.resource for p in moved} | self._monitored(changed)
            over = {r for r in touched & left if waiting.is_over(board.resources[r])}
            left -= over
        return board

    def is_behind(self, progress: ResourceProgress) -> bool:
        """Whether the result is known already, and its group is not (see :meth:`watched`)."""
        if progress.jobs or progress.worker_state in ("", READ_COMPLETE):
            return False
        name = group_name(progress.resource, progress.followed.version)
        return self._store.get(keys.group(name)) is not None

    def watched(self, resource: ResourceRef) -> frozenset[str]:
        """Names of the targets of a resource that have a status of their own.

        Asked of the store: news of different prefixes come in any order, so the cache may have a
        result and not yet the targets that were written before it.
        """
        names = set()
        for item in self._store.range(keys.targets(self._catalog.path(resource))).items:
            try:
                target = Target.decode(item.key, item.value)
            except DocumentInvalid:
                continue
            if target.type not in (MESSENGER, READER):
                names.add(target.name)
        return frozenset(names)

    def reported(self, followed: Followed) -> frozenset[str]:
        """Names of the targets that ``/monitoring`` tells about for that version."""
        path = self._catalog.path(followed.resource)
        return frozenset(self._reported(keys.monitoring(path), followed.version))

    def _reported(self, key: str, version: int) -> Mapping[str, object]:
        found = self._cache.get(key)
        if found is None:
            return {}
        try:
            document = codec.loads_object(key, found.value)
        except DocumentInvalid:
            return {}
        nested = document.get("status")
        if document.get("version") != version:
            return {}
        return {**document, **nested} if isinstance(nested, Mapping) else document

    def _monitored(self, changed: Iterable[str]) -> set[ResourceRef]:
        """The resources whose monitoring changed."""
        found = set()
        for key in changed:
            path = keys.parse_resource(key, keys.MONITORING)
            resource = self._catalog.resource(path) if path is not None else None
            if resource is not None:
                found.add(resource)
        return found


class _Waiting:
    """Decides when a resource need not be waited for any more."""

    def __init__(self, follower: Follower, until_monitored: bool) -> None:
        self._follower = follower
        self._until_monitored = until_monitored
        self._watched: dict[ResourceRef, frozenset[str]] = {}

    def is_over(self, progress: ResourceProgress) -> bool:
        if not progress.ended or self._follower.is_behind(progress):
            return False
        if progress.phase.bad or not self._until_monitored:
            return True
        resource = progress.resource
        if resource not in self._watched:
            self._watched[resource] = self._follower.watched(resource)
        return self._watched[resource] <= self._follower.reported(progress.followed)
