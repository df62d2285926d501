"""What a deployment is: steps of wanted resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from esi_flows.model.codec import JsonObject
from esi_flows.model.jobs import ResourceRef


@dataclass(frozen=True, slots=True)
class Wanted:
    """One wanted resource: its whole body, and the place it was read from (``file:line``)."""

    resource: ResourceRef
    body: JsonObject
    where: str


@dataclass(frozen=True, slots=True)
class Step:
    """Resources that are applied together; what is referred to comes first."""

    name: str
    intents: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A folder of intents. A step is applied when the steps before it have ended well."""

    name: str
    steps: tuple[Step, ...]

    def intents(self) -> Iterator[Wanted]:
        """Every wanted resource, step by step."""
        for step in self.steps:
            yield from step.intents
