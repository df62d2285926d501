"""Keys are built and parsed in one module; no identifier is the prefix of another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import esi_flows
from esi_flows.model import keys
from esi_flows.model.keys import ResourcePath

ids = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
collections = st.lists(ids, min_size=1, max_size=3).map("/".join)
paths = st.builds(ResourcePath, collections, ids)

BUILDERS = {
    keys.config: keys.CONFIG,
    keys.memo: keys.MEMO,
    keys.heat_stack: keys.HEAT_STACKS,
    keys.job_state: keys.JOB_STATE,
    keys.state: keys.STATE,
    keys.monitoring: keys.MONITORING,
    keys.stack_record: keys.STACKS,
}
ROOTS = [
    value
    for name, value in vars(keys).items()
    if name.isupper() and isinstance(value, str) and value.startswith("/")
]


@given(paths)
def test_resources_are_parsed_back(path: ResourcePath) -> None:
    for build, root in BUILDERS.items():
        key = build(path)
        assert keys.parse_resource(key, root) == path
        others = [other for other in BUILDERS.values() if other != root]
        assert all(keys.parse_resource(key, other) is None for other in others)


@given(paths, ids)
def test_targets_are_parsed_back(path: ResourcePath, name: str) -> None:
    assert keys.parse_target(keys.target(path, name)) == (path, name)
    assert keys.target(path, name).startswith(keys.targets(path))


@given(paths)
def test_quarantine_keys_name_their_document(path: ResourcePath) -> None:
    key = keys.quarantine(keys.config(path))
    assert key.startswith(keys.QUARANTINE)
    assert keys.quarantined(key) == keys.config(path)


@given(paths, paths)
def test_the_targets_of_one_resource_are_never_those_of_another(
    one: ResourcePath, other: ResourcePath
) -> None:
    if one != other and not keys.targets(other).startswith(keys.targets(one)):
        assert not keys.target(other, "t").startswith(keys.targets(one))


@given(collections, ids, ids)
def test_no_id_is_the_prefix_of_another(collection: str, one: str, other: str) -> None:
    if one != other:
        path, longer = ResourcePath(collection, one), ResourcePath(collection, one + other)
        assert not keys.target(longer, "t").startswith(keys.targets(path))


@pytest.mark.parametrize(
    "key", ["", "/", "/config", "/config/", "/config/x", "/config/x/", "config/x/y"]
)
def test_what_is_no_resource_is_none(key: str) -> None:
    assert keys.parse_resource(key, keys.CONFIG) is None


@pytest.mark.parametrize("key", ["", keys.TARGETS, f"{keys.TARGETS}x/y", f"{keys.TARGETS}x/y/"])
def test_what_is_no_target_is_none(key: str) -> None:
    assert keys.parse_target(key) is None


def test_no_root_holds_another_but_ours() -> None:
    assert len(ROOTS) == len(set(ROOTS)) >= 16
    for one in ROOTS:
        assert one.endswith("/")
        below = [other for other in ROOTS if other != one and other.startswith(one)]
        assert below == [] or one == keys.OURS


def test_no_other_module_spells_a_root() -> None:
    sources = sorted(Path(esi_flows.__file__).parent.rglob("*.py"))
    assert len(sources) > 50
    guilty = [
        f"{source}: {text!r}"
        for source in sources
        if source != Path(keys.__file__)
        for text in texts_of(ast.parse(source.read_text()))
        if text.startswith(tuple(ROOTS))
    ]
    assert guilty == []


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Every text in the source but docstrings."""
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in docstrings:
            yield str(node.value)
