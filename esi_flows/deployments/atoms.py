"""What atom details tell about a running job; read leniently, they are TaskFlow's documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from esi_flows.model import codec
from esi_flows.model.errors import DocumentInvalid


@dataclass(frozen=True, slots=True)
class Atom:
    """One atom: ``name`` is the job's id. ``started_at`` is when it was first seen (epoch)."""

    name: str
    state: str
    error: str
    started_at: float

    @classmethod
    def read(cls, raw: bytes, now: float) -> Atom | None:
        """The atom in a stored document seen at ``now``, None where it is none."""
        try:
            document: Any = codec.loads("an atom", raw)
        except DocumentInvalid:
            return None
        if not isinstance(document, Mapping) or not isinstance(document.get("name"), str):
            return None
        failure = document.get("failure")
        error = str(failure.get("exception_str", "")) if isinstance(failure, Mapping) else ""
        return cls(document["name"], str(document.get("state")), error, now)

    def after(self, before: Atom | None) -> Atom:
        """With the time at which it was first seen, not that of its last change."""
        started = before.started_at if before is not None else self.started_at
        return Atom(self.name, self.state, self.error, started)
