"""Tells one catalog from another."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from esi_flows.catalog.types import Catalog
from esi_flows.model import codec


def catalog_digest(catalog: Catalog) -> str:
    """SHA-256 over everything in the catalog: equal catalogs compile and render alike."""
    digest = hashlib.sha256()
    for name, known in sorted(catalog.types.items()):
        document: dict[str, Any] = asdict(known)
        document["secrets"] = sorted(known.secrets)
        digest.update(codec.dumps([name, document]))
    for name, template in sorted(catalog.templates.items()):
        digest.update(codec.dumps([name, asdict(template)]))
    return digest.hexdigest()
