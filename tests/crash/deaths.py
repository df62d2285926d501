"""Processes that end at a point of their own choice: at any write, at any outside call."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from esi_flows.model.errors import ClaimLost
from esi_flows.store.base import Compare, DeletePrefix, Op, Store, Txn, Watch
from esi_flows.store.faults import FaultyStore

Moment = Literal["before", "after"]
MOMENTS: tuple[Moment, ...] = ("before", "after")


@dataclass(frozen=True, slots=True)
class Point:
    """Before or after the n-th step; a step is a write to etcd or a call to the outside world."""

    number: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.moment} step {self.number}"


class Killed(ClaimLost):
    """What a dead process gets when it asks for anything: it has lost whatever it had."""


class Life:
    """The steps that a process makes, and where it ends."""

    def __init__(self, end: Point | None = None) -> None:
        self.steps: list[tuple[str, ...]] = []
        """For each step, the keys that were written."""
        self._end = end
        self._counting = threading.Lock()

    @contextmanager
    def step(self, written: Sequence[str]) -> Iterator[None]:
        """Around each step."""
        self.check()
        with self._counting:
            self.steps.append(tuple(written))
            number = len(self.steps)
        if self._end == Point(number, "before"):
            self.kill()
        yield
        if self._end == Point(number, "after"):
            self.kill()

    @property
    def is_dead(self) -> bool:
        """Whether it is over, where that can be asked."""
        return False

    def check(self) -> None:
        """Raises Killed in a process that is dead and does not know it."""
        if self.is_dead:
            raise Killed("this process is dead")

    def kill(self) -> None:
        """A real ``kill -9``: of no thread of this process is anything heard any more."""
        _send_myself(signal.SIGKILL)

    def on_death(self, call: Callable[[], None]) -> None:
        """Have something called at the end, where there is anybody to call it."""


class StoppedLife(Life):
    """A process that is only stopped, as if its machine had been paused."""

    def __init__(self, end: Point | None, tell: Callable[[tuple[str, ...]], None]) -> None:
        """``tell`` is given the step at which it stops."""
        super().__init__(end)
        self._tell = tell

    def kill(self) -> None:
        """Stop here, until somebody sends SIGCONT."""
        self._tell(self.steps[-1])
        _send_myself(signal.SIGSTOP)


def _send_myself(number: signal.Signals) -> None:
    # to this very thread: one sent to the process may reach another first, and this one goes on
    signal.pthread_kill(threading.get_ident(), number)


class SimulatedLife(Life):
    """A process within this one. Once dead, nothing that it does has any effect."""

    def __init__(self, end: Point | None = None) -> None:
        super().__init__(end)
        self._over = threading.Event()
        self._dying = threading.Lock()
        self._on_death: list[Callable[[], None]] = []

    @property
    def is_dead(self) -> bool:
        return self._over.is_set()

    def kill(self) -> None:
        """End, as far as anybody else can see; every thread hears of it at its next step."""
        with self._dying:
            self._over.set()
            calls, self._on_death = self._on_death, []
        for call in calls:
            call()
        self.check()

    def on_death(self, call: Callable[[], None]) -> None:
        with self._dying:
            if not self.is_dead:
                self._on_death.append(call)
                return
        call()


class MortalStore(FaultyStore):
    """The store of a process: there as long as the process lives."""

    def __init__(self, store: Store, life: Life) -> None:
        super().__init__(store, self._check)
        self._life = life

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        with self._life.step([written(op) for op in ops]):
            return super().txn(compares, ops)

    def put(self, key: str, value: bytes, *, lease: int = 0) -> int:
        with self._life.step([key]):
            return super().put(key, value, lease=lease)

    def delete(self, key: str) -> bool:
        with self._life.step([key]):
            return super().delete(key)

    def keep_alive(self, lease: int) -> float:
        return 0.0 if self._life.is_dead else super().keep_alive(lease)

    def watch(self, prefix: str, *, start_revision: int) -> Watch:
        watch = super().watch(prefix, start_revision=start_revision)
        self._life.on_death(watch.cancel)
        return watch

    def _check(self, method: str, arguments: Sequence[Any]) -> None:
        self._life.check()


def written(op: Op) -> str:
    """The key, or the prefix, that an operation changes."""
    return op.prefix if isinstance(op, DeletePrefix) else op.key
