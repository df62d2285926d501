"""What is recorded in etcd, as handlers may read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.model import codec, keys
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import HeatStack
from esi_flows.store.base import ReadStore


class RecordedInStore:
    """Reads single keys, linearizable: outputs that a job waited for are there."""

    def __init__(self, store: ReadStore, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def heat_stack(self, resource: ResourceRef) -> HeatStack | None:
        """The last recorded stack of a resource. Raises StoreUnavailable, DocumentInvalid."""
        key = keys.heat_stack(self._catalog.path(resource))
        found = self._store.get(key)
        return HeatStack.decode(key, found.value) if found is not None else None

    def stack_record(self, resource: ResourceRef) -> Mapping[str, Any] | None:
        """What was last sent to Heat for a resource. Raises StoreUnavailable, DocumentInvalid."""
        key = keys.stack_record(self._catalog.path(resource))
        found = self._store.get(key)
        return codec.loads_object(key, found.value) if found is not None else None
