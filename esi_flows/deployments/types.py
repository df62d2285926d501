"""What a deployment is: steps of wanted resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from esi_flows.catalog.yaml_files import Document
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import Finding
from esi_flows.model.jobs import ResourceRef


@dataclass(frozen=True, slots=True)
class Wanted:
    """One wanted resource: its whole body, and the place it was read from (``file:line``)."""

    resource: ResourceRef
    body: JsonObject
    where: str
    document: Document | None = field(default=None, compare=False, repr=False)
    """What it was read from, where it was read from a file."""

    def finding(self, place: Sequence[str | int], what: str, hint: str = "") -> Finding:
        """A finding about the part at ``place`` of its document."""
        if self.document is None:
            return Finding(self.where, what, hint)
        return self.document.finding(place, what, hint)


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
