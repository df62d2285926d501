"""Reads the pages: what they show typed into a shell, what came of it, and where they link to.

A block that is fenced as ``console`` is a session: lines that begin with ``$ `` are typed,
the others are what is shown. A shown line may leave out parts as ``...``. A comment right before a
block says what is different about it::

    <!-- not run: <reason> -->
    <!-- exit code 2 -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"^(?:<!--\s*(?P<note>[^>]*?)\s*-->\n)?(?P<indent> *)```console\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HERE = re.compile(r"<<'(\w+)'$")
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page, and what the page shows of its output."""

    where: str
    """``docs/page.md:12``."""
    text: str
    shown: tuple[str, ...]
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One page, by its path from the root of the repository."""

    name: str
    text: str

    def commands(self) -> list[Command]:
        """Everything that is typed, in order, without what is not to be run."""
        return [
            command
            for block in _BLOCK.finditer(self.text)
            if not (block["note"] or "").startswith("not run")
            for command in self._commands(block)
        ]

    def reasons(self) -> list[str]:
        """Why blocks are not run."""
        notes = [block["note"] or "" for block in _BLOCK.finditer(self.text)]
        return [note.removeprefix("not run") for note in notes if note.startswith("not run")]

    def links(self) -> list[str]:
        """Where it links to."""
        return _LINK.findall(_FENCED.sub("", self.text))

    def anchors(self) -> set[str]:
        """What can be linked to on it, as GitHub names headings."""
        return {_anchor(heading) for heading in _HEADING.findall(_FENCED.sub("", self.text))}

    def _commands(self, block: re.Match[str]) -> Iterator[Command]:
        first = self.text.count("\n", 0, block.start("text")) + 1
        lines = [line.removeprefix(block["indent"]) for line in block["text"].splitlines()]
        code = re.match(r"exit code (\d+)", block["note"] or "")
        position = 0
        while position < len(lines):
            start, position = position, position + 1
            if not lines[start].startswith("$ "):
                continue
            typed = _end_of_typing(lines, start)
            more = (n for n in range(typed, len(lines)) if lines[n].startswith("$ "))
            position = next(more, len(lines))
            # the code is that of the block's last command
            is_last = position == len(lines)
            yield Command(
                where=f"{self.name}:{first + start}",
                text="\n".join([lines[start].removeprefix("$ "), *lines[start + 1 : typed]]),
                shown=tuple(line for line in lines[typed:position] if line.strip()),
                exit_code=int(code[1]) if code and is_last else 0,
            )


def _end_of_typing(lines: list[str], start: int) -> int:
    """The line after a command that begins at ``start``: it may go on, or bring its input along."""
    here = _HERE.search(lines[start])
    if here is not None:
        return lines.index(here[1], start) + 1
    end = start + 1
    while lines[end - 1].endswith("\\"):
        end += 1
    return end


def pages(root: Path) -> list[Page]:
    """The README, the pages of docs/ and that of flows/."""
    files = [
        root / "README.md",
        root / "flows" / "README.md",
        *sorted((root / "docs").rglob("*.md")),
    ]
    return [
        Page(str(file.relative_to(root)), file.read_text(encoding="utf-8"))
        for file in files
        if file.exists()
    ]


def missing(shown: tuple[str, ...], output: str) -> list[str]:
    """Lines that a page shows and that did not come, in that order."""
    lines = [_squeezed(line) for line in output.splitlines()]
    absent = []
    position = 0
    for line in shown:
        parts = _squeezed(line).split("...")
        pattern = re.compile(".*".join(re.escape(part) for part in parts))
        found = next((n for n in range(position, len(lines)) if pattern.fullmatch(lines[n])), None)
        if found is None:
            absent.append(line)
        else:
            position = found + 1
    return absent


def _squeezed(line: str) -> str:
    """A line without what differs by the width of columns."""
    return re.sub(r"\s+", " ", line).strip()


def _anchor(heading: str) -> str:
    text = (
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("&lt;", "<").replace("&gt;", ">")
    )
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
