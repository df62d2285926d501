"""Timers of the thread in which flows are stepped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from esi_flows.engine.loop import FlowLoop


@pytest.fixture
def loop() -> Iterator[FlowLoop]:
    made = FlowLoop()
    made.start()
    yield made
    made.stop()


def test_timers_ring_in_the_order_of_their_times(loop: FlowLoop) -> None:
    rung: list[str] = []
    both = threading.Event()
    loop.call(loop.after, 0.02, both.set)
    loop.call(loop.after, 0.01, lambda: rung.append("second"))
    loop.call(loop.after, 0.0, lambda: rung.append("first"))
    assert both.wait(20)
    assert rung == ["first", "second"]


def test_a_timer_that_is_forgotten_does_not_ring(loop: FlowLoop) -> None:
    rung: list[int] = []
    last = threading.Event()

    def set_and_forget() -> None:
        timers = [loop.after(0.001, partial(rung.append, n)) for n in range(1000)]
        for timer in timers[1:]:
            loop.forget(timer)
            loop.forget(timer)
        loop.after(0.01, last.set)

    loop.call(set_and_forget)
    assert last.wait(20)
    assert rung == [0]


def test_a_timer_of_ages_does_not_end_the_loop(loop: FlowLoop) -> None:
    passed = threading.Event()
    loop.call(loop.after, 1e12, int)
    loop.call(passed.set)
    assert passed.wait(20)
    again = threading.Event()
    loop.call(again.set)
    assert again.wait(20)
