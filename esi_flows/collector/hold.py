"""Hold-down: a bad status counts only once it has lasted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from esi_flows.collector.drivers import Status


class Hold:
    """Shows positive statuses at once, others when they have lasted; as templates ask for it.

    ``options`` as recorded in ``hold_options``: ``positive_status``, a status or a list of such,
    and ``time_seconds``. Without options, or with such that cannot be read, every status is shown.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        positive = options.get("positive_status", [])
        self._positive = positive if isinstance(positive, list) else [positive]
        seconds = options.get("time_seconds", 0)
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        self._seconds = float(seconds) if is_number else 0.0
        self.shown: Status | None = None
        """What is shown now."""
        self._bad_since: float | None = None

    def settle(self, status: Status, now: float) -> Status | None:
        """What is to be shown now that ``status`` is seen; None: nothing yet."""
        if status in self._positive:
            self._bad_since = None
        elif self._bad_since is None:
            self._bad_since = now
        if self._bad_since is None or now - self._bad_since >= self._seconds:
            self.shown = status
        return self.shown
