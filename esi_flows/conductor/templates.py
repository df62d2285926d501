"""The catalog in use: that of the folder, and over it the templates that are stored in etcd."""

from __future__ import annotations

import logging

from esi_flows.catalog.stored import read_template
from esi_flows.catalog.types import Catalog, Template
from esi_flows.compiler.parser import parse
from esi_flows.compiler.rendering import check_template
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid, InvalidInput
from esi_flows.store.reflector import Reflector

LOG = logging.getLogger(__name__)

_STORED = f"{keys.CONFIG}{keys.HEAT_TEMPLATE_COLLECTION}/"


class CurrentCatalog:
    """Gives the catalog for the next compile; whoever has taken one keeps it as it is.

    A stored template takes the place of the folder's of that id. One that cannot be read, or is
    marked for deletion, is as if it were not there. Not thread-safe.
    """

    def __init__(self, folder: Catalog, cache: Reflector) -> None:
        self._folder = folder
        self._cache = cache
        self._stored: dict[str, Template] = {}
        self._refused: dict[str, DocumentInvalid] = {}
        self._now = folder

    @property
    def now(self) -> Catalog:
        """The catalog as it is now; the types are always those of the folder."""
        return self._now

    def refusal(self, key: str) -> DocumentInvalid | None:
        """Why the template stored under ``key`` is not used; None where there is no fault."""
        return self._refused.get(key)

    def take_in(self, key: str) -> None:
        """Look again at what is stored under ``key``, if that is a template."""
        if not key.startswith(_STORED):
            return
        before = self._stored.pop(key, None)
        self._refused.pop(key, None)
        found = self._cache.get(key)
        try:
            template = _usable(key, found.value) if found is not None else None
        except DocumentInvalid as error:
            self._refused[key] = error
            template = None
        if template is not None:
            self._stored[key] = template
        if template != before:
            self._now = self._folder.overlaid(self._stored.values())
            LOG.info("template changed", extra={"key": key, "used": template is not None})


def _usable(key: str, value: bytes) -> Template | None:
    """The template if its mappings and its text can be read. Raises DocumentInvalid."""
    template = read_template(key, value)
    if template is None:
        return None
    try:
        for source in template.parameter_mappings.values():
            parse(source)
        check_template(template.id, template.template_file)
    except InvalidInput as error:
        raise DocumentInvalid(key, error.message, hint=error.hint) from error
    return template
