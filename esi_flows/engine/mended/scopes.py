"""From which tasks a task can take its arguments."""

from __future__ import annotations

from collections.abc import Iterator

from taskflow import task

from esi_flows.engine.mended.compiler import FlatCompilation


class FlatScope:
    """The names of all that a task comes after, nearest first, as ScopeWalker gives them.

    Stock TaskFlow makes a walker for each task beforehand, and looks for each in the whole tree:
    quadratic, for flows whose tasks take no arguments as well.
    """

    def __init__(self, compilation: FlatCompilation, atom: task.Task) -> None:
        self._compilation = compilation
        self._atom = atom
        self._visible: list[str] | None = None

    def __iter__(self) -> Iterator[list[str]]:
        if self._visible is None:
            self._visible = self._walk()
        if self._visible:
            yield self._visible

    def _walk(self) -> list[str]:
        before = self._compilation.predecessors
        found = set(before[self._atom])
        waiting = list(found)
        while waiting:
            new = [atom for atom in before[waiting.pop()] if atom not in found]
            found.update(new)
            waiting.extend(new)
        return [atom.name for atom in reversed(self._compilation.atoms) if atom in found]
