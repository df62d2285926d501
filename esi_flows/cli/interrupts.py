"""Ctrl-C, and SIGTERM where it means the same: stop in order, or at once if nothing has begun."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130
MESSAGE = "\ninterrupted: what is recorded stays\n"


@contextmanager
def at_once() -> Iterator[None]:
    """In the block, Ctrl-C ends the process on the spot, until :func:`in_order` is called.

    Modules are being imported then, and one that is interrupted in the middle fails in ways of its
    own. Nothing has been started or written yet.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_order() -> None:
    """From now on, Ctrl-C raises KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, _interrupt)


@contextmanager
def terminable() -> Iterator[None]:
    """In the block, SIGTERM raises KeyboardInterrupt in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, MESSAGE.encode())
    os._exit(EXIT_INTERRUPTED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
