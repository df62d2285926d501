"""Names that nobody else has: of conductors, and the random ends of job ids."""

from __future__ import annotations

import os
import secrets
import socket
import string

_SUFFIX = string.ascii_lowercase + string.digits


def new_id() -> str:
    """Of no other start of any conductor, so that claims of the dead are never taken for ours."""
    return f"{socket.gethostname()}-{os.getpid()}-{suffix()}"


def suffix() -> str:
    """Five random characters, as job ids end in."""
    return "".join(secrets.choice(_SUFFIX) for _ in range(5))
