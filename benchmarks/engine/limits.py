"""What this machine can do at best: its processor, its disk, and etcd on it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from esi_flows.store.base import Put
from esi_flows.store.etcd import connect

_SECONDS = 2.0
_VALUE = b"x" * 200


def interpreter() -> Mapping[str, float]:
    """How often a second one thread of Python counts to a thousand: tells machines apart."""

    def count() -> None:
        for _ in range(1000):
            pass

    return {"Python counts to 1,000": _rate(count, clients=1)}


def disk(folder: Path) -> Mapping[str, float]:
    """How often a second 256 bytes can be appended to a file and forced to the disk."""
    target = os.open(folder / "fsync", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append() -> None:
        os.write(target, b"x" * 256)
        os.fdatasync(target)

    try:
        return {"append of 256 B + fdatasync": _rate(append, clients=1)}
    finally:
        os.close(target)


def etcd(endpoint: str) -> Mapping[str, float]:
    """Puts a second through the product's client: one at a time, 16 at a time, 10 in one."""
    store = connect([endpoint])
    numbers = threading.local()

    def key() -> str:
        numbers.value = getattr(numbers, "value", 0) + 1
        return f"/limits/{threading.get_ident()}/{numbers.value % 100}"

    try:
        return {
            "etcd put of 200 B, 1 client": _rate(lambda: store.put(key(), _VALUE), clients=1),
            "etcd put of 200 B, 16 clients": _rate(lambda: store.put(key(), _VALUE), clients=16),
            "etcd transaction of 50 puts": _rate(
                lambda: store.txn([], [Put(f"/limits/{n}", _VALUE) for n in range(50)]), clients=1
            ),
        }
    finally:
        store.close()


def _rate(call: Callable[[], object], *, clients: int) -> float:
    """Calls per second, by so many threads."""
    ends_at = time.monotonic() + _SECONDS

    def repeat(_: int) -> int:
        done = 0
        while time.monotonic() < ends_at:
            call()
            done += 1
        return done

    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        done = sum(pool.map(repeat, range(clients)))
    return round(done / (time.monotonic() - began))
