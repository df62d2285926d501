"""What mappings are evaluated on: a version of a resource, and the documents read so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from esi_flows.compiler.mapping import kind_of
from esi_flows.model.errors import MappingError
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef


class Documents(Protocol):
    """The configuration documents read so far."""

    def intent(self, resource: ResourceRef) -> Intent | None:
        """The newest document of a resource, or None where there is none (yet)."""


class NoDocuments:
    """Nothing has been read: only what is in the configuration itself can be used."""

    def intent(self, resource: ResourceRef) -> Intent | None:
        """Always None."""
        return None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a mapping is evaluated on: a resource with one version of its body.

    In a loop ``body`` is the item; ``item`` tells so, since the fields of an item are no relations.
    """

    resource: ResourceRef
    body: Any
    version: int
    item: bool = False

    def field(self, name: str) -> Any:
        """A field of the body, null where it has none."""
        if isinstance(self.body, dict):
            return self.body.get(name)
        if self.item:
            raise MappingError(
                f"a loop's item is {kind_of(self.body)}, which has no field {name!r}",
                hint='an item that is no object is reached by {type: ..., id: ""}',
            )
        return None
