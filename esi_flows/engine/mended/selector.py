"""Which tasks can be run or reverted next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taskflow import states, task
from taskflow.engines.action_engine import deciders, selector

_ALWAYS = deciders.NoOpDecider()
_UNDER_WAY = (states.RUNNING, states.REVERTING)
_DONE = (states.SUCCESS, states.FAILURE)
_NOTHING_LEFT = (states.PENDING, states.REVERTED)


class DirectSelector(selector.Selector):  # type: ignore[misc]  # TaskFlow is untyped
    """Looks at direct neighbours only.

    Stock TaskFlow walks all ancestors of all descendants of each task that ends, since anything
    between may have been ignored by a decider or reset by a retry: 243 s of CPU for 5,000 tasks in
    a chain. Without deciders and retries "all ancestors are done" and "all direct predecessors are
    done" are the same.

    Stock TaskFlow also forgets the tasks under way when it decides how a run has ended, and so
    calls a flow REVERTED that was suspended with tasks waiting for a free thread: their work is
    lost. Here they count as left over.
    """

    def __init__(self, runtime: Any) -> None:
        # not the base class's, for that has TaskFlow's graph made
        self._storage = runtime.storage
        self._atoms = runtime.compilation.atoms
        # backwards, so that the one that is likely to be done last is looked at first
        self._predecessors = {
            atom: [before.name for before in reversed(found)]
            for atom, found in runtime.compilation.predecessors.items()
        }
        self._direct = runtime.compilation
        self._all_offered = False

    def iter_next_atoms(self, atom: task.Task | None = None) -> Iterator[tuple[task.Task, Any]]:
        """What can go on after ``atom`` has ended; without it, all that is unfinished."""
        return ((found, _ALWAYS) for found in self.ready(atom))

    def ready(self, atom: task.Task | None = None) -> Iterator[task.Task]:
        """As :meth:`iter_next_atoms`, without deciders."""
        if atom is None:
            self._all_offered = False
            return self._unfinished()
        state = self._storage.get_atom_state(atom.name)
        if state == states.SUCCESS:
            if self._storage.get_atom_intention(atom.name) == states.REVERT:
                return iter((atom,))
            return filter(self._can_execute, self._direct.successors[atom])
        if state == states.REVERTED:
            return filter(self._can_revert, self._direct.predecessors[atom])
        if state == states.FAILURE:
            return self._after_failure(atom)
        return iter(())

    def _after_failure(self, atom: task.Task) -> Iterator[task.Task]:
        """The first failure turns all round; a later one can only let its own task be reverted."""
        if self._all_offered:
            return filter(self._can_revert, (atom,))
        self._all_offered = True
        return filter(self._can_revert, self._atoms)

    def _unfinished(self) -> Iterator[task.Task]:
        for atom in self._atoms:
            under_way = self._storage.get_atom_state(atom.name) in _UNDER_WAY
            if under_way or self._can_execute(atom) or self._can_revert(atom):
                yield atom

    def _can_execute(self, atom: task.Task) -> bool:
        storage = self._storage
        if storage.get_atom_state(atom.name) != states.PENDING:
            return False
        if storage.get_atom_intention(atom.name) != states.EXECUTE:
            return False
        for name in self._predecessors[atom]:
            if storage.get_atom_state(name) != states.SUCCESS:
                return False
            if storage.get_atom_intention(name) != states.EXECUTE:
                return False
        return True

    def _can_revert(self, atom: task.Task) -> bool:
        storage = self._storage
        if storage.get_atom_state(atom.name) not in _DONE:
            return False
        if storage.get_atom_intention(atom.name) != states.REVERT:
            return False
        return all(
            storage.get_atom_state(after.name) in _NOTHING_LEFT
            for after in self._direct.successors[atom]
        )
