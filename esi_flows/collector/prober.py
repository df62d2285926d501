"""Asks every target in turn, each at its own interval, all in one thread."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from esi_flows.collector.drivers import ProbeFailed, Status
from esi_flows.collector.hold import Hold
from esi_flows.model.keys import ResourcePath
from esi_flows.model.results import Target

LOG = logging.getLogger(__name__)

_JITTER = 0.1
"""By how much of itself an interval varies, so that targets do not keep in step."""

_SHORTEST_SECONDS = 0.001


class Probe(Protocol):
    """Tells the status of a target."""

    async def status(self, target: Target) -> Status:
        """The status. Raises ProbeFailed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A target as it is stored: ``revision`` tells one version of it from another."""

    key: str
    revision: int
    path: ResourcePath
    target: Target


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of asking a target; ``status`` None: nothing that could be shown yet."""

    revision: int
    status: Status | None


class Prober:
    """Keeps asking the targets it is told to watch.

    Of a target that has been changed or forgotten nothing is told any more, whatever is still
    under way: what is seen belongs to the revision that was asked.
    """

    def __init__(
        self,
        probe: Probe,
        on_seen: Callable[[ResourcePath], None],
        *,
        interval_seconds: float,
        at_once: int,
    ) -> None:
        """``on_seen`` is called in the prober's thread when there is something new to show."""
        self._probe = probe
        self._on_seen = on_seen
        self._interval = interval_seconds
        self._at_once = at_once
        self._seen: dict[str, Seen] = {}
        self._tasks: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._slots = asyncio.Semaphore(at_once)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="probes", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether its thread turns."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin; nothing is watched yet."""
        self._thread.start()

    def stop(self) -> None:
        """End at once, whatever is under way. Does nothing where it has ended."""
        if not self._thread.is_alive():
            return
        self.clear()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def watch(self, watched: Watched) -> None:
        """Ask this target from now on, at once first, unless it is watched as it is already."""
        self._loop.call_soon_threadsafe(self._watch, watched)

    def forget(self, key: str) -> None:
        """Ask this target no more."""
        self._loop.call_soon_threadsafe(self._forget, key)

    def clear(self) -> None:
        """Ask nobody any more, and forget what was seen. Returns when that is so."""
        asyncio.run_coroutine_threadsafe(self._clear(), self._loop).result()

    def seen(self, watched: Watched) -> Seen | None:
        """What was last seen of exactly this target; None: it has not been asked yet."""
        found = self._seen.get(watched.key)
        return found if found is not None and found.revision == watched.revision else None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _watch(self, watched: Watched) -> None:
        known = self._tasks.get(watched.key)
        if known is not None and known[0] == watched.revision:
            return
        self._forget(watched.key)
        task = self._loop.create_task(self._ask_on(watched), name=watched.key)
        self._tasks[watched.key] = (watched.revision, task)

    def _forget(self, key: str) -> None:
        _, task = self._tasks.pop(key, (0, None))
        if task is not None:
            task.cancel()
        self._seen.pop(key, None)

    async def _clear(self) -> None:
        tasks = [task for _, task in self._tasks.values()]
        for key in list(self._tasks):
            self._forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_on(self, watched: Watched) -> None:
        hold = Hold(watched.target.hold_options)
        interval = watched.target.interval_seconds or self._interval
        while True:
            begun = time.monotonic()
            async with self._slots:
                status = await self._ask(watched)
            shown = hold.settle(status, begun) if status is not None else hold.shown
            self._note(watched, shown)
            pause = interval * random.uniform(1 - _JITTER, 1)
            await asyncio.sleep(max(pause - (time.monotonic() - begun), _SHORTEST_SECONDS))

    async def _ask(self, watched: Watched) -> Status | None:
        try:
            return await self._probe.status(watched.target)
        except ProbeFailed as error:
            LOG.warning("no status", extra={"key": watched.key, "error": str(error)})
        except Exception:
            LOG.exception("driver failed", extra={"key": watched.key})
        return None

    def _note(self, watched: Watched, shown: Status | None) -> None:
        now = Seen(watched.revision, shown)
        if self._seen.get(watched.key) != now:
            self._seen[watched.key] = now
            self._on_seen(watched.path)
