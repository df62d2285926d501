from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from esi_flows.catalog.digest import catalog_digest
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog

FLOWS = Path(__file__).parents[2] / "flows"


def test_equal_catalogs_have_equal_digests() -> None:
    catalog = load_catalog(FLOWS)
    shuffled = Catalog(
        reversed(list(catalog.types.values())), reversed(list(catalog.templates.values()))
    )
    assert catalog_digest(catalog) == catalog_digest(load_catalog(FLOWS))
    assert catalog_digest(catalog) == catalog_digest(shuffled)


def test_any_change_of_a_type_or_a_template_makes_another_digest() -> None:
    catalog = load_catalog(FLOWS)
    types, templates = dict(catalog.types), dict(catalog.templates)
    port, text = types["port"], templates["port"]
    others = [
        Catalog(
            {**types, "port": replace(port, secrets=frozenset({"x"}))}.values(), templates.values()
        ),
        Catalog({**types, "port": replace(port, relations={})}.values(), templates.values()),
        Catalog(
            types.values(),
            {**templates, "port": replace(text, template_file=f"{text.template_file} ")}.values(),
        ),
        Catalog(list(types.values())[1:], templates.values()),
    ]
    digests = {catalog_digest(each) for each in (catalog, *others)}
    assert len(digests) == 1 + len(others)
