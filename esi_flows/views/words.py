"""How groups and jobs are called in pictures, and the sign, colour and word of how they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from esi_flows.deployments.progress import Phase
from esi_flows.planning.types import Kind
from esi_flows.views.model import Group, Job, Mark

_UUID = re.compile(r"\b([0-9a-f]{8})(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b")


@dataclass(frozen=True, slots=True)
class Look:
    """A sign, a word, and the name of a colour: all three say the same."""

    sign: str
    word: str
    colour: str


_KINDS = {
    Kind.CREATE: Look("+", "create", "green"),
    Kind.MODIFY: Look("~", "modify", "amber"),
    Kind.DELETE: Look("-", "delete", "red"),
    Kind.NOTHING: Look("·", "nothing to do", "grey"),
    Kind.REFUSED: Look("!", "refused", "red"),
}
_PHASES = {
    Phase.WAITING: Look("◷", "waiting", "grey"),
    Phase.RUNNING: Look("●", "running", "blue"),
    Phase.DONE: Look("✔", "done", "green"),
    Phase.IGNORED: Look("✖", "failed, ignored", "amber"),
    Phase.FAILED: Look("✖", "failed", "red"),
    Phase.REVERTING: Look("↺", "reverting", "violet"),
    Phase.REVERTED: Look("↺", "reverted", "violet"),
    Phase.SUSPENDED: Look("‖", "suspended", "amber"),
    Phase.NOT_RUN: Look("○", "not run", "grey"),
    Phase.CANCELLED: Look("⊘", "cancelled", "red"),
}
_MARKS = {
    Mark.ADDED: Look("+", "added", "green"),
    Mark.CHANGED: Look("~", "changed", "amber"),
    Mark.REMOVED: Look("-", "removed", "red"),
    Mark.FAILS: Look("✖", "fails", "red"),
    Mark.REVERTED: Look("↺", "is reverted", "violet"),
    Mark.CANCELLED: Look("⊘", "is cancelled", "red"),
    Mark.NOT_RUN: Look("○", "does not run", "grey"),
}


def look(thing: Group | Job) -> Look:
    """How a group or a job is: its mark, else its phase, else what is planned for it."""
    if thing.mark is not Mark.NONE:
        return _MARKS[thing.mark]
    if thing.phase is not None:
        return _PHASES[thing.phase]
    return _KINDS[thing.kind] if isinstance(thing, Group) else Look("▸", "planned", "grey")


def title(group: Group) -> str:
    """``port:8984a172 v1 → v2``."""
    name = f"{group.resource.type}:{short(group.resource.id)}"
    if group.previous and group.previous != group.version:
        return f"{name} v{group.previous} → v{group.version}"
    return f"{name} v{group.version}"


def short(text: str) -> str:
    """The text with uuids cut to their first eight characters."""
    return _UUID.sub(r"\1", text)


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` characters, on one line and without control characters."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= width else f"{clean[: width - 1]}…"
