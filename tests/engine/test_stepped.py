"""Flows that the mended classes do not fit are stepped in the same thread, on TaskFlow's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from taskflow import retry, states, task
from taskflow.patterns import graph_flow, linear_flow
from taskflow.persistence import models

from esi_flows.engine.executor import StepExecutor
from esi_flows.engine.fenced import FencedWriter
from esi_flows.engine.host import FlowHost
from esi_flows.engine.mended.engine import DurableEngine
from esi_flows.engine.persistence import EtcdBackend
from esi_flows.engine.stepped import SteppedEngine
from esi_flows.model.errors import EsiFlowsError, Suspended
from esi_flows.store.base import Store
from esi_flows.store.claims import take_claim


class Note(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    """Notes what it does; fails as often as it is told to."""

    def __init__(self, name: str, notes: list[str], fails: int = 0) -> None:
        super().__init__(name)
        self.notes = notes
        self.fails = fails

    def execute(self) -> str:
        self.notes.append(f"execute {self.name}")
        if self.fails:
            self.fails -= 1
            raise OSError(f"no luck with {self.name}")
        return self.name

    def revert(self, result: Any, **_: Any) -> None:
        self.notes.append(f"revert {self.name}")


class Waiting(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    def __init__(self, name: str, reached: threading.Event, gate: threading.Event) -> None:
        super().__init__(name)
        self.reached = reached
        self.gate = gate

    def execute(self) -> None:
        self.reached.set()
        assert self.gate.wait(20)


@pytest.fixture
def host(store: Store) -> Iterator[FlowHost]:
    made = FlowHost(store, "me", threads=4)
    made.start()
    yield made
    made.stop()


class Stepped:
    """A flow on the host, saved in etcd behind a claim."""

    def __init__(self, host: FlowHost, flow: Any, detail: models.FlowDetail | None = None) -> None:
        claim = take_claim(host.store, "g", holder="me", lease=host.store.grant(60))
        assert claim is not None
        writer = FencedWriter(host.committer, claim.fence)
        backend = EtcdBackend({}, store=host.store, writer=writer)
        self.host = host
        self.detail = detail or models.FlowDetail("flow", "uuid-f")
        if detail is None:
            book = models.LogBook("book", "uuid-b")
            book.add(self.detail)
            backend.get_connection().save_logbook(book)
        self.ended: Future[Exception | None] = Future()
        self.steps = StepExecutor(
            host.pool, may_run=lambda: True, notify=lambda: host.loop.call(self.look)
        )
        engine = DurableEngine(flow, self.detail, backend, {"executor": self.steps})
        self.stepped = SteppedEngine(
            engine, self.steps, writer, loop=host.loop, on_end=self.ended.set_result
        )

    def look(self) -> None:
        self.stepped.look()

    def run(self) -> Exception | None:
        self.host.loop.call(self.stepped.start)
        return self.ended.result(20)


def test_a_flow_with_a_retry_is_tried_again(host: FlowHost) -> None:
    notes: list[str] = []
    flow = linear_flow.Flow("flow", retry=retry.Times(3)).add(
        Note("a", notes), Note("b", notes, fails=2)
    )
    stepped = Stepped(host, flow)
    assert stepped.run() is None
    assert stepped.detail.state == states.SUCCESS
    assert notes == ["execute a", "execute b", "revert b", "revert a"] * 2 + [
        "execute a",
        "execute b",
    ]


def test_a_flow_whose_retries_are_used_up_is_reverted(host: FlowHost) -> None:
    notes: list[str] = []
    flow = linear_flow.Flow("flow", retry=retry.Times(2)).add(Note("a", notes, fails=5))
    stepped = Stepped(host, flow)
    assert "no luck with a" in str(stepped.run())
    assert stepped.detail.state == states.REVERTED


def test_nested_flows_and_deciders_are_followed(host: FlowHost) -> None:
    notes: list[str] = []
    first, second, third = (Note(name, notes) for name in ("a", "b", "c"))
    flow = graph_flow.Flow("flow").add(first, second, third)
    flow.link(first, second, decider=lambda history: False, decider_depth="atom")
    flow.link(first, third)
    outer = linear_flow.Flow("outer").add(flow, Note("last", notes))
    stepped = Stepped(host, outer)
    assert stepped.run() is None
    assert sorted(notes) == ["execute a", "execute c", "execute last"]
    assert {atom.name: atom.state for atom in stepped.detail}["b"] == states.IGNORE


@pytest.mark.parametrize("with_retry", [False, True], ids=["flat", "retry"])
def test_an_interrupted_flow_ends_when_its_steps_have(host: FlowHost, with_retry: bool) -> None:
    reached, gate = threading.Event(), threading.Event()
    flow = linear_flow.Flow("flow", retry=retry.Times(2) if with_retry else None)
    flow.add(Waiting("a", reached, gate))
    stepped = Stepped(host, flow)
    host.loop.call(stepped.stepped.start)
    assert reached.wait(20)
    reason: EsiFlowsError = Suspended("stopping")
    stepped.steps.interrupt(reason)
    assert not stepped.ended.done()
    gate.set()
    assert stepped.ended.result(20) is reason


def test_an_interruption_before_the_start_counts(host: FlowHost) -> None:
    notes: list[str] = []
    stepped = Stepped(host, linear_flow.Flow("flow").add(Note("a", notes)))
    reason = Suspended("stopping")
    stepped.steps.interrupt(reason)
    assert stepped.run() is reason
    assert notes == []
