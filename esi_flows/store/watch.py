"""A watch that goes on: over reconnects, restarts, leader changes and expired tokens.

The law: the next stream starts one revision after the last event handed out, never after what an
answer's header says. While etcd replays history, the header is ahead of the events.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from esi_flows.model.errors import Compacted, StoreUnavailable
from esi_flows.store._client import ClientError, EndpointClient, rpc
from esi_flows.store._failures import Fate, diagnose, diagnose_text, explain
from esi_flows.store._keys import decode_key, encode_key, prefix_end
from esi_flows.store._session import Session
from esi_flows.store.base import Batch, Event

LOG = logging.getLogger(__name__)

SILENCE_SECONDS = 5.0
"""After so long without an answer etcd is asked for one; after as long again the stream is left."""

_CONNECT_SECONDS = 5.0
_MIN_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 1.0
_DENIALS_BELIEVED = 3


class EtcdWatch:
    """:class:`~esi_flows.store.base.Watch` on etcd; iterate it in one thread.

    Iterating raises Compacted (list again), AccessDenied and ServerError; everything else that can
    happen to a stream is mended by opening another one.
    """

    def __init__(
        self,
        session: Session,
        prefix: str,
        *,
        start_revision: int,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._session = session
        self._prefix = prefix
        self._end = prefix_end(prefix)
        self._next = start_revision
        self._silence = silence_seconds
        self._cancelled = threading.Event()
        self._stream: _Stream | None = None
        self._lock = threading.Lock()
        self._pause = _MIN_PAUSE_SECONDS
        self._denials = 0

    def __iter__(self) -> Iterator[Batch]:
        while not self._ended():
            stream = self._open()
            if stream is None:
                continue
            try:
                yield from self._batches(stream)
            except (*ClientError, StoreUnavailable) as error:
                if not self._ended():
                    self._mend(stream.client, diagnose(error).details)
            finally:
                stream.close()

    def cancel(self) -> None:
        """End the watch, from any thread."""
        with self._lock:
            self._cancelled.set()
            if self._stream is not None:
                self._stream.close()

    def _ended(self) -> bool:
        return self._cancelled.is_set() or self._session.closed.is_set()

    def _open(self) -> _Stream | None:
        try:
            client = self._session.client()
        except StoreUnavailable:
            return None  # closed
        try:
            with client.within(_CONNECT_SECONDS):
                self._session.prepare(client)
            with self._lock:
                if self._cancelled.is_set():
                    return None
                self._stream = _Stream(client, self._request(), self._silence)
                return self._stream
        except (*ClientError, ValueError) as error:
            if not self._ended():
                failure = diagnose(error)
                if failure.fate is Fate.REFUSED:
                    raise explain(failure, f"watch {self._prefix}") from error
                self._mend(client, failure.details)
            return None

    def _request(self) -> Any:
        return rpc.WatchRequest(
            create_request=rpc.WatchCreateRequest(
                key=encode_key(self._prefix),
                range_end=self._end,
                start_revision=self._next,
                progress_notify=True,
                fragment=True,
            )
        )

    def _batches(self, stream: _Stream) -> Iterator[Batch]:
        fragments: list[Any] = []
        for answer in stream:
            if answer.canceled:
                self._cancelled_by_server(stream, answer)
                return
            if answer.created:
                self._created(answer)
                continue
            # a large revision comes in pieces, and must not be seen in pieces
            fragments += answer.events
            if answer.fragment:
                continue
            batch = self._batch(fragments, answer)
            fragments = []
            if batch is not None:
                yield batch
        if not self._ended():
            self._mend(stream.client, "the stream has ended")

    def _created(self, answer: Any) -> None:
        # "from now" is pinned here, so that a reconnect cannot skip anything
        self._next = self._next or answer.header.revision + 1
        self._pause = _MIN_PAUSE_SECONDS
        self._denials = 0
        if answer.header.revision < self._next - 1:
            self._check_revision()

    def _check_revision(self) -> None:
        """A member behind us may be slow; an etcd behind us has lost what we have seen."""
        current = self._session.call(
            f"watch {self._prefix}",
            lambda client: client.get_response(encode_key(self._prefix)).header.revision,
            write=False,
        )
        if current < self._next - 1:
            raise Compacted(
                f"watch {self._prefix}: etcd is at revision {current}, we have seen"
                f" {self._next - 1}: it has gone back in time",
                revision=0,
                hint="list again",
            )

    def _batch(self, raw: list[Any], answer: Any) -> Batch | None:
        # some servers send an event twice or go back in time
        events = tuple(_event(e) for e in raw if e.kv.mod_revision >= self._next)
        if events:
            revision = events[-1].mod_revision
        elif raw or answer.watch_id < 0 or answer.header.revision < self._next:
            # watch_id -1 answers our own asking: on 3.4 that can overtake events
            return None
        else:
            revision = answer.header.revision
        self._next = revision + 1
        return Batch(events, revision)

    def _cancelled_by_server(self, stream: _Stream, answer: Any) -> None:
        if answer.compact_revision:
            raise Compacted(
                f"watch {self._prefix}: revision {self._next} has been compacted",
                revision=answer.compact_revision,
                hint="list again",
            )
        failure = diagnose_text(answer.cancel_reason)
        # some versions call it a lack of permission when the token has expired
        if failure.fate is Fate.STALE_TOKEN or "permission denied" in failure.details:
            self._denials += 1
            if self._denials >= _DENIALS_BELIEVED:
                raise explain(failure, f"watch {self._prefix}")
            stream.client.forget_token(stream.metadata)
        else:
            self._mend(stream.client, failure.details)

    def _mend(self, client: EndpointClient, reason: str) -> None:
        LOG.info(
            "watch interrupted, going on",
            extra={"prefix": self._prefix, "revision": self._next, "reason": reason},
        )
        self._session.leave(client)
        self._cancelled.wait(self._pause)
        self._pause = min(self._pause * 2, _MAX_PAUSE_SECONDS)


class _Stream:
    """One gRPC stream with one watch on it, given up when it falls silent."""

    def __init__(self, client: EndpointClient, request: Any, silence_seconds: float) -> None:
        self.client = client
        self.metadata = client.metadata
        self._silence = silence_seconds
        self._closed = threading.Event()
        self._waiting_since: float | None = time.monotonic()
        self._call = client.open_watch(self._requests(request))

    def __iter__(self) -> Iterator[Any]:
        for answer in self._call:
            # while the reader is busy, silence is not the server's
            self._waiting_since = None
            yield answer
            self._waiting_since = time.monotonic()

    def close(self) -> None:
        """End the stream, from any thread."""
        self._closed.set()
        self._call.cancel()

    def _requests(self, request: Any) -> Iterator[Any]:
        """What we send; gRPC runs this in a thread of its own, which so is our watchdog too."""
        yield request
        asked_in = None
        while not self._closed.wait(self._silence):
            waiting = self._waiting_since
            if waiting is None or time.monotonic() - waiting < self._silence:
                continue
            if waiting == asked_in:
                LOG.warning("watch is silent", extra={"endpoint": self.client.endpoint})
                self._call.cancel()
                return
            asked_in = waiting
            yield rpc.WatchRequest(progress_request=rpc.WatchProgressRequest())


def _event(event: Any) -> Event:
    kv = event.kv
    if event.type == rpc.Event.DELETE:
        return Event(decode_key(kv.key), None, kv.mod_revision)
    return Event(decode_key(kv.key), kv.value, kv.mod_revision, kv.create_revision, kv.lease)
