"""Which conductors are live."""

from __future__ import annotations

from esi_flows.model import keys
from esi_flows.store.base import ReadStore


def live(store: ReadStore) -> list[str]:
    """Ids of the conductors whose lease is alive now."""
    items = store.range(keys.CONDUCTORS).items
    return [item.key.removeprefix(keys.CONDUCTORS) for item in items]
