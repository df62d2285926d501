"""A small catalog and documents for tests of the compiler, and mappings of every form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from esi_flows.catalog.types import Catalog, ResourceType, Template
from esi_flows.compiler import mapping as m
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef


class Written(dict[ResourceRef, Intent]):
    """Documents that have been read, by resource."""

    @classmethod
    def of(cls, bodies: Mapping[str, Any]) -> Written:
        """Bodies by ``type:id``, all version 1."""
        return cls(
            (ResourceRef(*name.split(":", 1)), Intent(body, 1)) for name, body in bodies.items()
        )

    def intent(self, resource: ResourceRef) -> Intent | None:
        return self.get(resource)


def resource_type(
    name: str, *, relations: Mapping[str, str] | None = None, **mappings: Any
) -> ResourceType:
    return ResourceType(
        type=name,
        prefix="/v2.0",
        plural=f"{name}s",
        relations=relations or {},
        template_mappings=mappings,
    )


def template(
    template_id: str, handler: str = "heat_worker", /, text: str = "", **mappings: Any
) -> Template:
    return Template(
        id=template_id, handler=handler, parameter_mappings=mappings, template_file=text
    )


TYPES = (
    resource_type("network"),
    resource_type("subnet", relations={"network_id": "network"}),
    resource_type("port", relations={"network_id": "network", "parent_id": "port"}),
)

CATALOG = Catalog(TYPES, [])

names = st.text("abcxyz_-.", min_size=1, max_size=4)
texts = st.text(max_size=6)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)

typed_hops = st.builds(m.TypedHop, names, names)
plain_text_forms = (
    st.builds(m.Constant, st.text("abc:+_ ", max_size=6))
    | st.builds(m.Version)
    | st.builds(m.Property, names)
    | st.builds(m.Nested, st.lists(names, min_size=1, max_size=3).map(tuple))
    | st.builds(m.Path, st.lists(typed_hops, min_size=1, max_size=3).map(tuple), names)
    | st.builds(m.Output, names, names, names)
)
text_forms = plain_text_forms | st.builds(
    m.TextJoin, st.lists(plain_text_forms, min_size=1, max_size=3).map(tuple)
)


def _object_forms(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    joins = st.builds(m.Join, st.lists(inner, min_size=1, max_size=3).map(tuple))
    hops = (
        st.builds(m.RelationHop, names)
        | st.builds(m.TypedHop, names, names | st.just(""))
        | st.builds(m.JoinHop, joins)
    )
    paths = st.lists(hops, max_size=3).map(tuple)
    mappings = inner | text_forms
    return (
        joins
        | st.builds(m.Field, names, paths, st.booleans())
        | st.builds(m.OutputOf, names, paths)
        | st.builds(
            m.Choice,
            st.builds(m.Equal, inner, inner) | st.builds(m.Regexp, inner, inner),
            mappings,
            mappings,
        )
        | st.builds(m.Loop, st.builds(m.Property, names) | inner, mappings)
    )


object_forms = st.recursive(
    st.builds(m.Constant, values)
    | st.builds(m.Version)
    | st.builds(m.Nested, st.lists(names, min_size=1, max_size=3).map(tuple)),
    _object_forms,
    max_leaves=10,
)
mappings = text_forms | object_forms
