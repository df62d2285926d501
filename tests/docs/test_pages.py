"""The pages name what there is: links lead somewhere, and no option, key or command is left out."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from esi_flows import settings
from esi_flows.model import keys
from tests.docs.pages import Page, missing, pages

ROOT = Path(__file__).parents[2]

_PAGES = pages(ROOT)


def page(name: str) -> Page:
    [found] = [page for page in _PAGES if page.name == name]
    return found


@pytest.mark.parametrize("one", _PAGES, ids=[page.name for page in _PAGES])
def test_links_lead_somewhere(one: Page) -> None:
    by_path = {(ROOT / known.name).resolve(): known for known in _PAGES}
    for link in one.links():
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / one.name).parent / path if path else ROOT / one.name
        assert target.exists(), link
        if anchor:
            assert anchor in by_path[target.resolve()].anchors(), link


def test_every_page_can_be_reached_from_the_entry_page() -> None:
    by_path = {(ROOT / known.name).resolve(): known for known in _PAGES}
    reached: set[Path] = set()
    todo = [(ROOT / "docs" / "index.md").resolve()]
    while todo:
        path = todo.pop()
        if path in by_path and path not in reached:
            reached.add(path)
            links = by_path[path].links()
            todo += [(path.parent / link.partition("#")[0]).resolve() for link in links]
    documentation = {path for path in by_path if path.is_relative_to(ROOT / "docs")}
    assert documentation <= reached


def test_every_option_is_explained_with_its_default() -> None:
    text = page("docs/reference/configuration.md").text
    for group, options in settings.GROUPS.items():
        section = text.partition(f"## [{group}]")[2].partition("\n## ")[0]
        for option in options:
            rows = [row for row in section.splitlines() if f"`{option.dest}`" in row]
            assert rows, f"[{group}] {option.dest}"
            default = option.default
            if isinstance(default, list | dict):
                default = next(iter(default), "")
            shown = {"": "empty", None: "none"}.get(default, str(default))
            assert shown in rows[0], f"[{group}] {option.dest}: {default}"


def test_every_prefix_of_keys_is_listed() -> None:
    text = page("docs/reference/keys.md").text
    prefixes = {
        value
        for name, value in vars(keys).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch(r"/.+/", value)
    }
    assert len(prefixes) > 10
    for prefix in prefixes - {keys.OURS}:
        assert f"`{prefix}" in text or f"`{prefix.removesuffix('/')}" in text, prefix


def test_every_command_is_listed() -> None:
    text = page("docs/reference/cli.md").text
    commands = {
        entry.name.replace("_", " ") for entry in metadata.entry_points(group="esi_flows.cli")
    }
    listed = set(re.findall(r"^## esi-flows ([a-z]+(?: [a-z]+)*)", text, re.MULTILINE))
    assert listed == commands


def test_every_dependency_is_explained() -> None:
    text = page("docs/explanation/dependencies.md").text
    for requirement in metadata.requires("esi-flows") or []:
        name = re.split(r"[\s<>=!;\[]", requirement)[0]
        explained = name in text or (name.startswith("types-") and "`types-*`" in text)
        assert name == "esi-flows" or explained, name


def test_shown_lines_must_come_in_their_order() -> None:
    output = "one   1.2s\ntwo\nthree"
    assert missing(("one ...s", "three"), output) == []
    assert missing(("two", "one 1.2s"), output) == ["one 1.2s"]
    assert missing(("one",), output) == ["one"]


def test_commands_are_read_with_what_they_show() -> None:
    text = "a\n\n<!-- exit code 2 -->\n```console\n$ one \\\n  more\nshown\n$ two\n```\n"
    first, second = Page("p.md", text).commands()
    assert (first.text, first.shown, first.exit_code) == ("one \\\n  more", ("shown",), 0)
    assert (second.text, second.shown, second.exit_code) == ("two", (), 2)
    assert second.where == "p.md:8"
    assert Page("p.md", text.replace("exit code 2", "not run: x")).commands() == []


def test_a_command_may_bring_its_input_along() -> None:
    text = "```console\n$ cat <<'END'\n$ not typed\nEND\nshown\n$ next\n```\n"
    first, second = Page("p.md", text).commands()
    assert (first.text, first.shown) == ("cat <<'END'\n$ not typed\nEND", ("shown",))
    assert second.text == "next"
