"""The parts of an engine at work, put together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from taskflow import states, task
from taskflow.engines.action_engine import builder, compiler, runtime

from esi_flows.engine.mended.action import DirectAction
from esi_flows.engine.mended.completer import FlatCompleter
from esi_flows.engine.mended.scheduler import DirectScheduler
from esi_flows.engine.mended.scopes import FlatScope
from esi_flows.engine.mended.selector import DirectSelector


class WaitingRuntime(runtime.Runtime):  # type: ignore[misc]  # TaskFlow is untyped
    """TaskFlow's runtime; it waits where the executor says."""

    @functools.cached_property
    def builder(self) -> builder.MachineBuilder:
        """The builder of TaskFlow's state machine."""
        return builder.MachineBuilder(self, self.waiter)

    @property
    def waiter(self) -> Any:
        """What waits for futures."""
        return self._task_executor.wait


class FlatRuntime(WaitingRuntime):
    """The runtime of a flat flow: what is the same for all its tasks is there once.

    Stock TaskFlow makes a dictionary of helpers for each task beforehand.
    """

    def compile(self) -> None:
        """Nothing to make beforehand."""
        self._atoms = {atom.name: atom for atom in self._compilation.atoms}

    @functools.cached_property
    def selector(self) -> DirectSelector:
        """What chooses the next tasks."""
        return DirectSelector(self)

    @functools.cached_property
    def scheduler(self) -> DirectScheduler:
        """What starts them."""
        return DirectScheduler(self)

    @functools.cached_property
    def completer(self) -> FlatCompleter:
        """What takes their results."""
        return FlatCompleter(self)

    @functools.cached_property
    def task_action(self) -> DirectAction:
        """What changes their states."""
        return DirectAction(self._storage, self._atom_notifier, self._task_executor)

    def check_atom_transition(self, atom: task.Task, current_state: str, target_state: str) -> bool:
        """Whether a task may change from one state to another."""
        allowed: bool = states.check_task_transition(current_state, target_state)
        return allowed

    def fetch_edge_deciders(self, atom: task.Task) -> tuple[()]:
        """None: see ``fits``."""
        return ()

    def fetch_scheduler(self, atom: task.Task) -> Any:
        """The scheduler of every task."""
        return self.task_scheduler

    def fetch_action(self, atom: task.Task) -> DirectAction:
        """The action of every task."""
        return self.task_action

    def fetch_scopes_for(self, atom_name: str) -> FlatScope | None:
        """From where the task of that name takes arguments; None for a name of no task."""
        atom = self._atoms.get(atom_name)
        return FlatScope(self._compilation, atom) if atom is not None else None

    def iterate_nodes(self, allowed_kinds: Any) -> Iterator[task.Task]:
        """The tasks, if tasks are asked for."""
        return iter(self._compilation.atoms if compiler.TASK in allowed_kinds else ())

    def is_success(self) -> bool:
        """Whether every task has succeeded."""
        state_of: Callable[[str], str] = self._storage.get_atom_state
        return all(state_of(name) == states.SUCCESS for name in self._atoms)

    def find_retry(self, node: task.Task) -> None:
        """None: see ``fits``."""

    def _fetch_atom_metadata_entry(self, atom_name: str, metadata_key: str) -> Any:
        if metadata_key == "change_state_handler":
            return functools.partial(self.task_action.change_state, progress=0.0)
        return super()._fetch_atom_metadata_entry(atom_name, metadata_key)
