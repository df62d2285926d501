"""Mappings are read into nodes, printed back, and refused with the place and what is allowed."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given

from esi_flows.compiler import mapping as m
from esi_flows.compiler.parser import MAX_DEPTH, parse
from esi_flows.compiler.printer import to_source
from esi_flows.model.errors import MappingError
from tests.compiler.support import mappings, texts, values

P = m.Property


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("C", m.Constant("")),
        ("C60", m.Constant("60")),
        ("Cdefault-domain:default-project", m.Constant("default-domain:default-project")),
        ("Pname", P("name")),
        ("Pbinding:vif_type", P("binding:vif_type")),
        ("Vauto_filled", m.Version()),
        ("Oprimary:ip_address", m.Nested(("primary", "ip_address"))),
        ("Oprimary", m.Nested(("primary",))),
        ("Fnetwork+network_id:name", m.Path((m.TypedHop("network", "network_id"),), "name")),
        (
            "Fsubnet+subnet_id:network+network_id:name",
            m.Path(
                (m.TypedHop("subnet", "subnet_id"), m.TypedHop("network", "network_id")), "name"
            ),
        ),
        ("Mnetwork:network_id:id", m.Output("network", "network_id", "id")),
        ("ACese_device_&Pexisting", m.TextJoin((m.Constant("ese_device_"), P("existing")))),
        ("AAPa&APb", m.TextJoin((P("a"), P("b")))),
        (
            "AFnetwork+network_id:name&C_prefix",
            m.TextJoin(
                (m.Path((m.TypedHop("network", "network_id"),), "name"), m.Constant("_prefix"))
            ),
        ),
    ],
)
def test_text_forms(source: str, expected: m.Mapping) -> None:
    assert parse(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"constant": None}, m.Constant(None)),
        ({"constant": {"a": [1]}}, m.Constant({"a": [1]})),
        ({"version": "auto_filled"}, m.Version()),
        ({"nested": ["primary", "bgp_peer_ip"]}, m.Nested(("primary", "bgp_peer_ip"))),
        ({"field": "name"}, m.Field("name")),
        (
            {"field": "id", "path": [{"type": "port", "id": "device_id"}], "ignore_missing": True},
            m.Field("id", (m.TypedHop("port", "device_id"),), True),
        ),
        ({"output_key": "fq_name"}, m.OutputOf("fq_name")),
        (
            {"output_key": "id", "path": ["network_id", {"type": "port", "id": ""}]},
            m.OutputOf("id", (m.RelationHop("network_id"), m.TypedHop("port", ""))),
        ),
        (
            {"field": "ip", "path": [{"concatenate": [{"field": "kind"}, "_gw_id"]}]},
            m.Field("ip", (m.JoinHop(m.Join((m.Field("kind"), m.Constant("_gw_id")))),)),
        ),
        (
            {
                "if_mapping": {"regexp": [{"field": "owner"}, "a|b"]},
                "then_mapping": {"constant": None},
                "else_mapping": "Pid",
            },
            m.Choice(m.Regexp(m.Field("owner"), m.Constant("a|b")), m.Constant(None), P("id")),
        ),
        (
            {
                "if_mapping": {"equal": [{"field": "n"}, 1]},
                "then_mapping": "Ca",
                "else_mapping": "Cb",
            },
            m.Choice(m.Equal(m.Field("n"), m.Constant(1)), m.Constant("a"), m.Constant("b")),
        ),
        (
            {"for_field": "ports", "for_mapping": {"field": "id"}},
            m.Loop(P("ports"), m.Field("id")),
        ),
        (
            {"for_field": {"field": "ports"}, "for_mapping": "Pid"},
            m.Loop(m.Field("ports"), P("id")),
        ),
    ],
)
def test_object_forms(source: dict[str, Any], expected: m.Mapping) -> None:
    assert parse(source) == expected


@pytest.mark.parametrize(
    ("source", "place", "allowed"),
    [
        ("", "character 1", "Pfield"),
        ("Xname", "character 1", "Pfield"),
        ("P", "character 2", "Pfield"),
        ("Vmanual", "character 2", "Vauto_filled"),
        ("Oa::b", "character 4", "Ofield:field"),
        ("Fname", "character 2", "Ftype+field"),
        ("Fnetwork:name", "character 2", "Ftype+field"),
        ("Fnetwork+:name", "character 10", "Ftype+field"),
        ("Fnetwork+id:", "character 13", "Ftype+field"),
        ("Mnetwork:id", "character 2", "Mtype:field:output"),
        ("APa&", "character 5", "Pfield"),
        ("APa&Xb", "character 5", "Pfield"),
        (7, "the start", "an object"),
        ([], "the start", "an object"),
        ({}, "the start", "constant"),
        ({"field": "a", "constant": 1}, "the start", "constant"),
        ({"field": "a", "paht": []}, "paht", "path"),
        ({"field": ""}, "field", "field"),
        ({"field": 1}, "field", "field"),
        ({"field": "a", "path": []}, "path", "relation"),
        ({"field": "a", "path": [1]}, "path[0]", "relation"),
        ({"field": "a", "path": ["b", {"type": "t"}]}, "path[1]", "{type, id}"),
        ({"field": "a", "path": [{"type": "t", "id": None}]}, "path[0].id", "field"),
        ({"field": "a", "ignore_missing": "yes"}, "ignore_missing", "true or false"),
        ({"output_key": "a", "ignore_missing": True}, "ignore_missing", "path"),
        ({"version": "mine"}, "version", "auto_filled"),
        ({"nested": []}, "nested", "names"),
        ({"concatenate": ["a", 1]}, "concatenate[1]", "an object"),
        ({"if_mapping": {"equal": [1, 2]}, "then_mapping": "Ca"}, "the start", "else_mapping"),
        (
            {"if_mapping": {"equal": [1]}, "then_mapping": "Ca", "else_mapping": "Cb"},
            "if_mapping.equal",
            "two",
        ),
        (
            {"if_mapping": {"like": [1, 2]}, "then_mapping": "Ca", "else_mapping": "Cb"},
            "if_mapping.like",
            "equal",
        ),
        ({"for_field": "a"}, "the start", "for_mapping"),
        ({"for_field": "a", "for_mapping": "Fx"}, "for_mapping, character 2", "Ftype+field"),
    ],
)
def test_what_is_no_mapping_is_refused(source: Any, place: str, allowed: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse(source)
    assert f"cannot be read at {place}:" in caught.value.message
    assert allowed in caught.value.hint
    assert caught.value.findings[0].where == place


def test_nesting_is_limited() -> None:
    source: Any = {"field": "a"}
    for _ in range(MAX_DEPTH + 2):
        source = {"for_field": source, "for_mapping": "Pid"}
    with pytest.raises(MappingError, match="nested too deep"):
        parse(source)


def test_a_long_mapping_is_quoted_in_part() -> None:
    with pytest.raises(MappingError) as caught:
        parse("X" * 10_000)
    assert len(caught.value.message) < 400


@given(mappings)
def test_printing_and_reading_are_inverse(mapping: m.Mapping) -> None:
    assert parse(to_source(mapping)) == mapping


@given(texts | values)
def test_anything_is_read_or_refused(source: Any) -> None:
    with contextlib.suppress(MappingError):
        mapping = parse(source)
        assert parse(to_source(mapping)) == mapping
