"""TaskFlow's executor and worker, made fit for brokers that restart and senders of garbage."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from kombu import exceptions as kombu_exceptions
from kombu.connection import Connection, ConnectionPool, PooledConnection
from kombu.messaging import Consumer
from taskflow import exceptions as tf_exceptions
from taskflow import task as tf_task
from taskflow.engines.worker_based import endpoint, executor, worker
from taskflow.utils import threading_utils

LOG = logging.getLogger(__name__)

# TaskFlow logs whole messages where one cannot be sent, and so the passwords in them
logging.getLogger("taskflow.engines.worker_based").setLevel(logging.CRITICAL + 1)

EXCHANGE = "esi-flows"
RETRY_SECONDS = 1.0
RETRIES = 20
"""How often a publication is tried, a second apart, before its sender hears of it."""

BROKER_ERRORS = (kombu_exceptions.KombuError, OSError)


class ErrandTask(tf_task.Task):  # type: ignore[misc] # TaskFlow is untyped
    """The TaskFlow task that stands for an errand on both sides."""

    def __init__(self, name: str, do: Callable[..., Any] | None = None) -> None:
        super().__init__(name)
        self._do = do

    def execute(self, errand: str, document: dict[str, Any]) -> Any:
        """On the worker: run the job's handler."""
        assert self._do is not None
        return self._do(self, errand, document)

    def revert(self, errand: str, document: dict[str, Any], result: Any, **_: Any) -> Any:
        """On the worker: undo what an earlier execution did."""
        assert self._do is not None
        return self._do(self, errand, document, (result,))


class _Consumer(Consumer):
    """Drops what nobody can read, instead of ending whoever reads it, again and again."""

    def _receive_callback(self, message: Any) -> None:
        try:
            super()._receive_callback(message)  # type: ignore[no-untyped-call]
        except BROKER_ERRORS as error:
            if isinstance(error, OSError):
                raise  # the connection, not the message
            self._drop(message, error)
        except Exception as error:  # noqa: BLE001 - TaskFlow trusts its senders; nobody else need
            self._drop(message, error)

    def _drop(self, message: Any, error: Exception) -> None:
        LOG.error("message dropped", extra={"error": type(error).__name__})
        if not getattr(message, "acknowledged", True):
            message.reject()


class _Pooled(PooledConnection):
    def Consumer(self, queues: Any = None, channel: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Ours, which takes one message at a time: what a busy worker cannot begin is others'."""
        return _Consumer(channel or self, queues, *args, **{**kwargs, "prefetch_count": 1})  # type: ignore[no-untyped-call]


class _Pool(ConnectionPool):
    def new(self) -> Any:
        return _Pooled(self, **dict(self.connection._info(resolve=False)))  # type: ignore[no-untyped-call]


class _Connection(Connection):
    def Pool(self, limit: int | None = None, **_: Any) -> Any:
        """One whose connections drop garbage."""
        return _Pool(self, limit)  # type: ignore[no-untyped-call]


def _options() -> dict[str, Any]:
    return {"retry_options": {"max_retries": RETRIES}}


def _consume(start: Callable[[], None], stopping: threading.Event) -> None:
    """Consume until told to stop, whatever happens to the broker."""
    while not stopping.is_set():
        try:
            start()
        except Exception as error:
            fields = {"error": type(error).__name__}
            LOG.warning("broker lost, trying again", extra=fields, exc_info=True)
            stopping.wait(RETRY_SECONDS)


class RemoteExecutor(executor.WorkerTaskExecutor):  # type: ignore[misc]
    """TaskFlow's executor for one topic; ``look`` is called about every second while the broker
    answers, with the seconds for which it did not.
    """

    def __init__(
        self, uuid: str, topic: str, *, url: str, take_seconds: float, look: Callable[[float], None]
    ) -> None:
        super().__init__(
            uuid, EXCHANGE, [topic], url=url, transition_timeout=take_seconds, **_options()
        )
        self._proxy._conn = _Connection(url)  # type: ignore[no-untyped-call]
        self._look = look
        self._looked = time.monotonic()
        self._stopping = threading.Event()

    @property
    def is_answered(self) -> bool:
        """Whether any worker has answered lately."""
        return bool(self._finder.total_workers)

    def start(self) -> None:
        """Consume in a thread of its own; the broker need not be there yet."""
        self._looked = time.monotonic()
        self._helper = threading_utils.daemon_thread(_consume, self._proxy.start, self._stopping)
        self._helper.start()

    def stop(self) -> None:
        """End; what is under way is told of a timeout."""
        self._stopping.set()
        super().stop()

    def forget(self, errand: str) -> None:
        """No answer to this errand is of interest any more."""
        with self._ongoing_requests_lock:
            self._ongoing_requests.pop(errand, None)

    def has_begun(self, errand: str) -> bool:
        """Whether the errand may have reached a worker."""
        request = self._ongoing_requests.get(errand)
        return request is not None and request.current_state != "WAITING"

    def _on_wait(self) -> None:
        super()._on_wait()
        now = time.monotonic()
        gap, self._looked = now - self._looked, now
        self._look(max(gap - 2 * RETRY_SECONDS, 0.0))


class _Endpoint(endpoint.Endpoint):  # type: ignore[misc]
    def __init__(self, do: Callable[..., Any]) -> None:
        super().__init__(ErrandTask)
        self._do = do

    def generate(self, name: str | None = None) -> ErrandTask:
        return ErrandTask(str(name), self._do)


class ErrandWorker(worker.Worker):  # type: ignore[misc]
    """TaskFlow's worker, with one kind of task."""

    def __init__(self, topic: str, *, url: str, pool: Any, do: Callable[..., Any]) -> None:
        self._do = do
        super().__init__(EXCHANGE, topic, [], executor=pool, url=url, **_options())
        self._server._proxy._conn = _Connection(url)  # type: ignore[no-untyped-call]
        self._stopping = threading.Event()

    def _derive_endpoints(self, tasks: Any) -> list[_Endpoint]:
        return [_Endpoint(self._do)]

    @property
    def is_connected(self) -> bool:
        """Whether it consumes."""
        return bool(self._server._proxy.is_running)

    def run(self, display_banner: bool = False, banner_writer: Any = None) -> None:
        """Consume until :meth:`stop`."""
        _consume(self._server.start, self._stopping)

    def stop(self) -> None:
        """Take nothing more."""
        self._stopping.set()
        super().stop()


def is_untaken(error: Any) -> bool:
    """Whether a request failed before any worker has begun it."""
    known = error.check(tf_exceptions.RequestTimeout, *BROKER_ERRORS)
    return known is not None
