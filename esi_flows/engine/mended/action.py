"""Changing a task's state."""

from __future__ import annotations

from typing import Any

from taskflow import task as tf_task
from taskflow.engines.action_engine.actions import task as task_action


class DirectAction(task_action.TaskAction):  # type: ignore[misc]  # TaskFlow is untyped
    """Saves a state and the progress that goes with it at once, and tells only who listens.

    Stock TaskFlow saves four times per task: RUNNING, progress 0.0, SUCCESS, progress 1.0.
    """

    def change_state(
        self,
        task: tf_task.Task,
        state: str,
        progress: float | None = None,
        result: Any = task_action.TaskAction.NO_RESULT,
    ) -> None:
        """Change and save the state, then notify."""
        storage = self._storage
        old_state = storage.get_atom_state(task.name)
        if self._is_identity_transition(old_state, state, task, progress=progress):
            return
        known = result is not self.NO_RESULT
        storage.change_atom(task.name, state, progress, result if known else None)
        if len(self._notifier):
            details = {
                "task_name": task.name,
                "task_uuid": storage.get_atom_uuid(task.name),
                "old_state": old_state,
            }
            if known:
                details["result"] = result
            self._notifier.notify(state, details)
        if progress is not None and len(task.notifier):
            task.update_progress(progress)
