"""Tells open pages that something has changed, by server-sent events; ids are revisions of etcd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

BEAT_SECONDS = 10.0
PAUSE_SECONDS = 0.25
"""Changes that come so close together are told once."""


class Hub:
    """Passes the news of one thread on to the streams of the event loop."""

    def __init__(self, revision: Callable[[], int]) -> None:
        self._revision = revision
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._ending = False

    def serve_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop that the streams are in."""
        self._loop = loop

    def tell(self) -> None:
        """Something has changed; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """End all streams; from any thread."""
        self._ending = True
        self.tell()

    async def stream(self, known: int) -> AsyncIterator[bytes]:
        """Events for a page that shows revision ``known`` (0: none): one now, unless that is all.

        An event says only that there is something new: the page asks for itself again, so no event
        is ever missed by it, however long it was away.
        """
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            yield b"retry: 1000\n: esi-flows\n\n"
            if known != self._revision():
                woken.set()
            while not self._ending:
                try:
                    await asyncio.wait_for(woken.wait(), BEAT_SECONDS)
                except TimeoutError:
                    yield b": beat\n\n"
                    continue
                await asyncio.sleep(PAUSE_SECONDS)
                woken.clear()
                if not self._ending:
                    revision = self._revision()
                    yield f"id: {revision}\nevent: change\ndata: {revision}\n\n".encode()
        finally:
            self._waiting.discard(woken)

    def _wake(self) -> None:
        for woken in self._waiting:
            woken.set()
