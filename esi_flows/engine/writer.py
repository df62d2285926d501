"""What takes the writes of a flow under a claim; done in :mod:`esi_flows.engine.fenced`."""

from __future__ import annotations

from typing import Protocol


class Writer(Protocol):
    """Takes writes. Which of them are durable when is the writer's business, up to ``flush``."""

    def put(self, key: str, value: bytes) -> None:
        """Write a key; the last value given counts."""

    def delete(self, key: str) -> None:
        """Remove a key."""

    def seal(self) -> None:
        """What was given since the last seal becomes durable at once or not at all, if it fits."""

    def flush(self) -> None:
        """Everything given so far is durable when this returns."""
