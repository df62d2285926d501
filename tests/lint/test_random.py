"""Whatever a catalog or a deployment says, lint tells and never fails."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from esi_flows.catalog.loader import read_catalog
from esi_flows.cli.lint import plain
from esi_flows.lint.folder import lint

GOOD = Path(__file__).parent / "good"
FILES = sorted(str(path.relative_to(GOOD)) for path in GOOD.rglob("*") if path.is_file())

words = st.sampled_from(
    [
        "",
        "a",
        "port",
        "network_id",
        "Pid",
        "Mport:id:id",
        "[",
        "{{",
        "{% if %}",
        "$ref",
        "#",
        "é\x00",
    ]
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            words
            | st.sampled_from(["type", "properties", "items", "enum", "field", "path", "relations"])
            | st.sampled_from(["pattern", "allOf", "required", "minimum", "additionalProperties"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list):
        return [at]
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return [at, *(place for name, inner in members for place in places(inner, (*at, name)))]


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[place[0]] = replaced(value[place[0]], place[1:], new)
    return copied


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file of the good folder, and what becomes of it."""
    name = draw(st.sampled_from(FILES))
    text = (GOOD / name).read_text()
    if name.endswith(".j2") or draw(st.booleans()):
        cut, more = draw(st.integers(0, len(text))), draw(words | st.text(max_size=5))
        skip = draw(st.integers(0, 20))
        return name, (text[:cut] + more + text[cut + skip :]).encode(errors="surrogatepass")
    documents = list(yaml.safe_load_all(text))
    index = draw(st.integers(0, len(documents) - 1))
    place = draw(st.sampled_from(places(documents[index])))
    documents[index] = replaced(documents[index], place, draw(values))
    return name, yaml.safe_dump_all(documents, allow_unicode=True).encode(errors="replace")


@settings(max_examples=60, deadline=None)
@given(st.lists(mutations(), min_size=1, max_size=3))
def test_no_folder_makes_it_fail(changed: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "d"
        shutil.copytree(GOOD, folder)
        for file, content in changed:
            (folder / file).write_bytes(content)
        for finding in lint(folder, catalog=lambda: read_catalog(GOOD)):
            assert plain(finding).startswith(str(folder))
