"""The intents that are stored now, as the compiler asks for them."""

from __future__ import annotations

from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.store.reflector import Reflector


class CachedDocuments:
    """Decodes each stored intent once per version of it."""

    def __init__(self, cache: Reflector, catalog: Catalog) -> None:
        self._cache = cache
        self._catalog = catalog
        self._decoded: dict[str, tuple[int, Intent | None]] = {}

    def intent(self, resource: ResourceRef) -> Intent | None:
        """The intent, or None where there is none that can be read."""
        try:
            key = keys.config(self._catalog.path(resource))
        except InvalidInput:
            return None  # of a type we do not know there can be no document
        found = self._cache.get(key)
        if found is None:
            self._decoded.pop(key, None)
            return None
        known = self._decoded.get(key)
        if known is None or known[0] != found.mod_revision:
            known = self._decoded[key] = (found.mod_revision, _decode(key, found.value))
        return known[1]


def _decode(key: str, value: bytes) -> Intent | None:
    try:
        return Intent.decode(key, value)
    except DocumentInvalid:
        return None  # its own quarantine entry says why
