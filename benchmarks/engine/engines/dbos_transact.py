"""DBOS Transact: workflows of steps, one row in PostgreSQL for each step that has ended.

Chains are plain workflows, the cheapest there is. Wider flows are asynchronous ones that gather a
layer of steps: a workflow there cannot say what each step waits for, only that a layer does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dbos import DBOS, DBOSConfig

from benchmarks.engine.shapes import Shape, work
from benchmarks.engine.worker import Engine


def _step(shape: Mapping[str, Any], name: str) -> None:
    work(Shape.from_json({**shape, "steps": []}), name)


async def _async_step(shape: Mapping[str, Any], name: str) -> None:
    _step(shape, name)


def _chain(shape: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        _durable_step(shape, name)


async def _layers(shape: Mapping[str, Any], layers: Sequence[Sequence[str]]) -> None:
    for names in layers:
        await asyncio.gather(*(_durable_async_step(shape, name) for name in names))


_durable_step = DBOS.step()(_step)
_durable_async_step = DBOS.step()(_async_step)
_durable_chain = DBOS.workflow()(_chain)
_durable_layers = DBOS.workflow()(_layers)


class DbosEngine:
    """One executor with threads that each run a workflow at a time."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        config: DBOSConfig = {
            "name": "bench",
            "system_database_url": options["connection"],
            "executor_id": options["executor"],
            "application_version": "1",
            "enable_otlp": False,
            "log_level": "ERROR",
        }
        DBOS(config=config)
        DBOS.launch()
        self._pool = ThreadPoolExecutor(options["threads"])

    def run(self, shapes: Sequence[Shape]) -> None:
        """Run as many workflows at a time as there are threads."""
        list(self._pool.map(_run, shapes))

    def resume(self) -> None:
        """Wait for the workflows that the launch has taken up again."""
        for status in DBOS.list_workflows(status="PENDING"):
            DBOS.retrieve_workflow(status.workflow_id).get_result()

    def close(self) -> None:
        """End the pool; the process ends next."""
        self._pool.shutdown(wait=False)


def _run(shape: Shape) -> None:
    about = {"name": shape.name, "seconds": shape.seconds}
    layers = [[step.name for step in layer] for layer in shape.layers()]
    if all(len(names) == 1 for names in layers):
        _durable_chain(about, [names[0] for names in layers])
    else:
        asyncio.run(_durable_layers(about, layers))


def make_engine(options: Mapping[str, Any]) -> Engine:
    """``connection``: URL of the database; ``executor``: its id; ``threads``: at a time."""
    return DbosEngine(options)
