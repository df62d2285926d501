"""Tells when a process of a sandbox ends under a command that needs it."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterator

from esi_flows.cli.sandboxes import Sandbox
from esi_flows.model.errors import EsiFlowsError, ServerError, StoreError, StoreUnavailable
from esi_flows.store.base import Store

Abort = Callable[[EsiFlowsError], None]


@contextlib.contextmanager
def guarded(sandbox: Sandbox | None, store: Store, abort: Abort, *, hint: str) -> Iterator[None]:
    """In the block, ``abort`` is called (in a thread) if etcd or the cloud of the sandbox ends.

    Raises StoreUnavailable where the block fails because etcd has ended; ``store`` is closed then,
    so that nobody waits for answers. ``hint`` says how to go on. Without a sandbox it does nothing.
    """
    if sandbox is None:
        yield
        return
    guard = _Guard(sandbox, abort, hint)
    try:
        guard.start()
        yield
    except StoreError as error:
        ended = guard.error
        if ended is None or ended is error:
            raise
        raise ended from error
    finally:
        guard.stop()
        if isinstance(guard.error, StoreUnavailable):
            store.close()


class _Guard:
    """Waits for the processes in a thread; they may be children of somebody else."""

    def __init__(self, sandbox: Sandbox, abort: Abort, hint: str) -> None:
        self._abort = abort
        self._stop_reader, self._stop_writer = os.pipe()
        self._thread = threading.Thread(target=self._wait, name="sandbox-guard", daemon=True)
        etcd_log, cloud_log = sandbox.data / "etcd" / "etcd.log", sandbox.data / "cloud.log"
        self._errors: tuple[tuple[int, EsiFlowsError], ...] = (
            (
                sandbox.etcd_pid,
                StoreUnavailable(f"the sandbox's etcd has ended (log: {etcd_log})", hint=hint),
            ),
            (
                sandbox.cloud_pid,
                ServerError(f"the sandbox's cloud has ended (log: {cloud_log})", hint=hint),
            ),
        )
        self._handles: list[tuple[int, EsiFlowsError]] = []
        self.error: EsiFlowsError | None = None

    def start(self) -> None:
        """Begin to wait; a process that has ended already is told as well."""
        for pid, error in self._errors:
            try:
                self._handles.append((os.pidfd_open(pid), error))
            except ProcessLookupError:
                self._tell(error)
                return
        self._thread.start()

    def stop(self) -> None:
        """Stop waiting."""
        os.close(self._stop_writer)
        if self._thread.is_alive():
            self._thread.join()
        for handle, _ in self._handles:
            os.close(handle)
        os.close(self._stop_reader)

    def _wait(self) -> None:
        poll = select.poll()
        for handle in (self._stop_reader, *(handle for handle, _ in self._handles)):
            poll.register(handle, select.POLLIN)
        ready = {handle for handle, _ in poll.poll()}
        if self._stop_reader in ready:
            return
        for handle, error in self._handles:
            if handle in ready:
                # both may have ended with their owner: etcd is told first
                self._tell(error)
                return

    def _tell(self, error: EsiFlowsError) -> None:
        self.error = error
        self._abort(error)
