"""Which etcd servers are fit for data that matters."""

from __future__ import annotations

import logging
import re

from esi_flows.model.errors import ServerError

LOG = logging.getLogger(__name__)

_LOSES_WRITES = ("3.5.0", "3.5.1", "3.5.2")


def check_version(version: str, *, allow_unsafe: bool = False) -> None:
    """Raises ServerError for a server that is known to lose acknowledged writes.

    ``allow_unsafe`` lets it pass with a warning, for a sandbox that is thrown away.
    """
    number = re.match(r"\d+\.\d+\.\d+", version.removeprefix("v"))
    if number is None or number.group() not in _LOSES_WRITES:
        return
    if not allow_unsafe:
        raise ServerError(
            f"etcd {version} can lose writes it has acknowledged when it is killed",
            hint="use 3.4.22 or later of 3.4, or 3.5.6 or later; on Debian: "
            "apt-get install etcd-server",
        )
    LOG.warning(
        "etcd %s can lose writes when it is killed; keep nothing in it that matters", version
    )
