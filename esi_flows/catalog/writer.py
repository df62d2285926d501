"""Writing resource types as a catalog folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from esi_flows.catalog.loader import RESOURCE_FILE
from esi_flows.catalog.types import ResourceType
from esi_flows.model.errors import InvalidInput


def write_catalog(folder: Path, types: Iterable[ResourceType]) -> None:
    """Write ``<folder>/resources/``: all of it, or nothing. Raises InvalidInput.

    What is there already is never touched.
    """
    resources = folder / "resources"
    if resources.exists():
        raise InvalidInput(
            f"{resources} is there already", hint="give another folder, or remove it"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".resources-", dir=folder))
        try:
            for known in types:
                (unfinished / known.type).mkdir()
                text = yaml.safe_dump(
                    _document(known), sort_keys=False, allow_unicode=True, width=100
                )
                (unfinished / known.type / RESOURCE_FILE).write_text(text, encoding="utf-8")
            unfinished.chmod(0o755)
            unfinished.rename(resources)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error.strerror}") from error


def _document(known: ResourceType) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": known.type,
        "prefix": known.prefix,
        "plural": known.plural,
        "description": known.description,
        "relations": dict(known.relations),
        "template_mappings": dict(known.template_mappings),
        "secrets": sorted(known.secrets),
        "schema": dict(known.schema),
    }
    return {name: value for name, value in document.items() if value}
