"""The resource types of the catalog's templates, as a plug-in of a real Heat.

Heat itself does all the work on them: it checks their properties, orders, updates, replaces and
deletes them and resolves their outputs. Properties and attributes are those of the simulated
cloud; only what would be behind them, routers and a network controller, is absent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from heat.engine import attributes, properties, resource

from esi_flows.sandbox.faults import Fault, FaultKind
from esi_flows.sandbox.resources import contrail, esi
from esi_flows.sandbox.resources.types import Kind, Made, Property, ResourceType
from tests.cloud.bed.gate import FAULTS

_KINDS = {
    Kind.STRING: properties.Schema.STRING,
    Kind.INTEGER: properties.Schema.INTEGER,
    Kind.NUMBER: properties.Schema.NUMBER,
    Kind.BOOLEAN: properties.Schema.BOOLEAN,
    Kind.LIST: properties.Schema.LIST,
    Kind.MAP: properties.Schema.MAP,
    Kind.ANY: properties.Schema.ANY,
}


class Failed(Exception):
    """What a driver says when its device refuses."""


class Absent(resource.Resource):
    """A resource with nothing behind it."""

    known: ResourceType

    def handle_create(self) -> Fault | float | None:
        given = self._given(self.properties)
        self.resource_id_set(
            self.known.new_id(given, stack=self.stack.name, resource=self.name),
        )
        return self._begin("CREATE")

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Any) -> Any:
        self.properties = json_snippet.properties(self.properties_schema, self.context)
        return self._begin("UPDATE")

    def handle_delete(self) -> Fault | float | None:
        return self._begin("DELETE")

    def check_create_complete(self, begun: Fault | float | None) -> bool:
        return _ended(begun)

    def check_update_complete(self, begun: Fault | float | None) -> bool:
        return _ended(begun)

    def check_delete_complete(self, begun: Fault | float | None) -> bool:
        return _ended(begun)

    def get_reference_id(self) -> Any:
        if self.resource_id is None:
            return super().get_reference_id()
        return self.known.reference(self._made())

    def _resolve_attribute(self, name: str) -> Any:
        return None if self.resource_id is None else self.known.attributes[name](self._made())

    def _begin(self, action: str) -> Fault | float | None:
        fault = FAULTS.of_resource(
            stack=self.stack.name, type_name=self.type(), resource=self.name, action=action
        )
        if fault is None:
            return None
        if fault.kind is FaultKind.FAIL:
            raise Failed(fault.reason)
        return fault if fault.kind is FaultKind.HANG else time.monotonic() + fault.seconds

    def _made(self) -> Made:
        return Made(
            name=self.name,
            physical_id=self.resource_id,
            project_id=self.context.project_id,
            properties=self._given(self.properties),
        )

    def _given(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {name: found[name] for name in self.properties_schema}


def _ended(begun: Fault | float | None) -> bool:
    if isinstance(begun, Fault):  # it hangs until the switch is taken back
        return begun.id not in {fault["id"] for fault in FAULTS.listed()}
    return begun is None or time.monotonic() >= begun


def _property(declared: Property) -> properties.Schema:
    return properties.Schema(
        _KINDS[declared.kind],
        required=declared.required,
        default=declared.default,
        update_allowed=not declared.replaces,
    )


def _resource(known: ResourceType) -> type[Absent]:
    return type(
        known.name.replace("::", ""),
        (Absent,),
        {
            "known": known,
            "properties_schema": {n: _property(p) for n, p in known.properties.items()},
            "attributes_schema": {
                name: attributes.Schema(name, cache_mode=attributes.Schema.CACHE_NONE)
                for name in known.attributes
            },
        },
    )


def resource_mapping() -> dict[str, type[Absent]]:
    """What Heat asks a plug-in for."""
    return {known.name: _resource(known) for known in (*contrail.TYPES, *esi.TYPES)}
