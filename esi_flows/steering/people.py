"""Who is giving an order."""

from __future__ import annotations

import getpass
import os
import socket


def who() -> str:
    """``alice@host``: the user who typed it, also where she became another one with sudo."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"
