"""TaskFlow as it is, its parallel engine on one shared pool of threads.

The pool is given to every engine: an engine with a pool of its own spends a second at the end of
each flow on joining it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from taskflow import engines, task
from taskflow.patterns import graph_flow
from taskflow.persistence import backends, models

from benchmarks.engine.shapes import Shape, work
from benchmarks.engine.worker import Engine

_BOOK = "3f0e6b52-4f3c-44a3-9d4c-9d1f5cf1f0a1"


class _Step(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    def __init__(self, name: str, shape: Shape) -> None:
        super().__init__(name=name)
        self._shape = shape

    def execute(self) -> None:
        work(self._shape, self.name)


class StockEngine:
    """Flows one after the other: side by side they only take turns at one interpreter."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._backend = backends.fetch({"connection": options["connection"]})
        with contextlib.closing(self._backend.get_connection()) as connection:
            connection.upgrade()
        self._pool = ThreadPoolExecutor(8)

    def run(self, shapes: Sequence[Shape]) -> None:
        """Run each flow to its end."""
        for shape in shapes:
            book = models.LogBook(shape.name)
            detail = models.FlowDetail(shape.name, uuid=f"{shape.name}-{book.uuid}"[:64])
            detail.meta = {"shape": shape.to_json()}
            book.add(detail)
            with contextlib.closing(self._backend.get_connection()) as connection:
                connection.save_logbook(book)
            self._run(shape, detail)

    def resume(self) -> None:
        """Load every flow there is, and run it: what a script of one's own has to do."""
        with contextlib.closing(self._backend.get_connection()) as connection:
            found = [detail for book in connection.get_logbooks() for detail in book]
        for detail in found:
            self._run(Shape.from_json(detail.meta["shape"]), detail)

    def close(self) -> None:
        """End the pool."""
        self._pool.shutdown(wait=False)

    def _run(self, shape: Shape, detail: models.FlowDetail) -> None:
        engine = engines.load(
            flow_of(shape),
            flow_detail=detail,
            backend=self._backend,
            engine="parallel",
            executor=self._pool,
        )
        engine.run()


def flow_of(shape: Shape) -> graph_flow.Flow:
    """The graph flow, linked as TaskFlow's users do."""
    flow = graph_flow.Flow(shape.name)
    tasks = {step.name: _Step(step.name, shape) for step in shape.steps}
    flow.add(*tasks.values())
    for before, after in _edges(shape):
        flow.link(tasks[before], tasks[after])
    return flow


def _edges(shape: Shape) -> Iterator[tuple[str, str]]:
    for step in shape.steps:
        for before in step.after:
            yield before, step.name


def make_engine(options: Mapping[str, Any]) -> Engine:
    """``connection``: of the persistence backend, e.g. ``memory``."""
    return StockEngine(options)
