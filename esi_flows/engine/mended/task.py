"""Tasks that are made in great numbers."""

from __future__ import annotations

from typing import Any, ClassVar

from taskflow import task
from taskflow.types import notifier


class LeanTask(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    """A task that is made from its name alone.

    Stock TaskFlow works out what arguments a task takes for every object anew, from the signatures
    of its methods: 76 us, most of what a task costs in all. Here once per class.
    """

    _analysed: ClassVar[dict[type, dict[str, Any]]] = {}

    def __init__(self, name: str) -> None:
        known = self._analysed.get(type(self))
        if known is None:
            own = set(self.__dict__)
            super().__init__(name)
            self._analysed[type(self)] = {
                attribute: value
                for attribute, value in self.__dict__.items()
                if attribute not in own
            }
        else:
            self.__dict__.update(known)
            self.name = name
            self._notifier = notifier.RestrictedNotifier(self.TASK_EVENTS)
