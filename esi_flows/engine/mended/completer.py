"""What a task's failure means for the others."""

from __future__ import annotations

from typing import Any

from taskflow import task
from taskflow.engines.action_engine import completer
from taskflow.types import failure


class FlatCompleter(completer.Completer):  # type: ignore[misc]  # TaskFlow is untyped
    """Turns the flow round once.

    In a flow without retries every failure means: revert all. Stock TaskFlow sets that for every
    task of the flow with every failure, which is quadratic where many fail.
    """

    def __init__(self, runtime: Any) -> None:
        super().__init__(runtime)
        self._turned = False

    def resume(self) -> set[task.Task]:
        """The tasks that an earlier run has left under way."""
        self._turned = False
        unfinished: set[task.Task] = super().resume()
        return unfinished

    def _process_atom_failure(self, atom: task.Task, failure: failure.Failure) -> None:
        if not self._turned:
            super()._process_atom_failure(atom, failure)
            self._turned = True
