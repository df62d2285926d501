"""The whole product: from an intent in ``/config`` to its ``/state``.

Each flow is one intent, for which the compiler posts a group of one job; the handler does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.engine.engines.groups import NoWork
from benchmarks.engine.engines.waiting import Ends, Failed
from benchmarks.engine.shapes import Shape
from benchmarks.engine.worker import Engine
from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.model import codec, keys
from esi_flows.model.intents import Intent
from esi_flows.model.keys import ResourcePath
from esi_flows.store.base import Event, Put
from esi_flows.store.etcd import connect

_HANDLER = "heat_worker"
_COLLECTION = "v1/things"
_PUTS_AT_ONCE = 100


class IntentsEngine:
    """One conductor, and somebody who writes intents and waits for their states."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._store = connect([options["endpoint"]])
        self._conductor = Conductor(
            self._store, _catalog(), {_HANDLER: NoWork()}, ConductorSettings(lease_seconds=5)
        )
        self._conductor.start()
        self._ends = Ends(self._store, f"{keys.STATE}{_COLLECTION}/", _ended)

    def run(self, shapes: Sequence[Shape]) -> None:
        """Write an intent for each flow, and wait for all states. Raises Failed."""
        self._ends.expect(shape.name for shape in shapes)
        puts = [_intent(shape.name) for shape in shapes]
        for start in range(0, len(puts), _PUTS_AT_ONCE):
            self._store.txn([], puts[start : start + _PUTS_AT_ONCE])
        self._ends.wait()

    def resume(self) -> None:
        """Nothing to do: a conductor goes on with what others leave behind."""

    def close(self) -> None:
        """Stop the conductor."""
        self._ends.close()
        self._conductor.stop()
        self._store.close()


def _catalog() -> Catalog:
    thing = ResourceType(
        type="thing",
        prefix="/v1",
        plural="things",
        template_mappings={_HANDLER: "Cthing"},
    )
    template = Template(
        id="thing",
        handler=_HANDLER,
        parameter_mappings={"name": "Pname"},
        template_file="",
    )
    return Catalog([thing], [template])


def _intent(name: str) -> Put:
    path = ResourcePath(_COLLECTION, name)
    return Put(keys.config(path), Intent({"id": name, "name": name}, 1).encode())


def _ended(event: Event) -> str:
    path = keys.parse_resource(event.key, keys.STATE)
    if path is None or event.value is None:
        return ""
    state = codec.loads_object(event.key, event.value)
    if state.get("error"):
        raise Failed(f"{path}: {state['error']}")
    return path.id


def make_engine(options: Mapping[str, Any]) -> Engine:
    """``endpoint``: of etcd."""
    return IntentsEngine(options)
