"""Whether a service is well, and whether it can work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from esi_flows.model.vitals import Vitals


class Health:
    """Judges the vitals of a service.

    Healthy: its threads are alive, and none has been at one piece of work for ``stuck_seconds``; if
    not, only a new start helps. Ready: it knows what is stored, its lease lives, and it does not
    drain; if not, it will be again by itself.
    """

    def __init__(self, *, stuck_seconds: float) -> None:
        self._vitals: Callable[[], Vitals] | None = None
        self._stuck_seconds = stuck_seconds
        self.draining = threading.Event()
        """Set when the service begins to end."""

    def follow(self, vitals: Callable[[], Vitals]) -> None:
        """The service has started: from now on these are its vitals."""
        self._vitals = vitals

    def healthy(self) -> Mapping[str, bool]:
        """Every thread by its name, and whether it turns. While it drains they may end."""
        if self._vitals is None or self.draining.is_set():
            return {}
        busy = self._vitals().busy_seconds
        return {thread: seconds < self._stuck_seconds for thread, seconds in busy.items()}

    def ready(self) -> Mapping[str, bool]:
        """Every condition of being ready, and whether it holds."""
        if self._vitals is None:
            return {"started": False}
        vitals = self._vitals()
        return {
            "started": True,
            "synced": vitals.is_synced,
            "lease": vitals.lease_seconds > 0,
            "accepting": not self.draining.is_set(),
        }
