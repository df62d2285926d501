"""Tells systemd how the service is, where it was started by systemd (see sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


class Notifier:
    """Sends states to the socket that systemd has named. Without one it does nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # an @ stands for the zero byte that abstract names begin with
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        own = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        microseconds = environment.get("WATCHDOG_USEC", "") if own else ""
        self.interval_seconds = int(microseconds) / 2e6 if microseconds.isdigit() else None
        """How often WATCHDOG is to be told, None where nobody waits for it."""

    def tell(self, state: str) -> None:
        """Send a state. A systemd that does not listen is no reason to fail."""
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
        ):
            channel.setblocking(False)
            channel.sendto(state.encode(), self._address)
