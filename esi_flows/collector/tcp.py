"""Targets of type ``tcp``: somebody listens at ``host`` and ``port``."""

from __future__ import annotations

import asyncio

from esi_flows.collector.drivers import FAIL, UP, ProbeFailed, Surroundings
from esi_flows.collector.networks import Networks, NotAllowed, NotResolved
from esi_flows.model.results import Target


class TcpDriver:
    """UP where a connection is taken, FAIL where it is refused or cannot be made."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def status(self, target: Target) -> str:
        """Connect, and hang up. Raises ProbeFailed."""
        host, port = target.properties.get("host"), target.properties.get("port")
        if not isinstance(host, str) or not isinstance(port, int) or not 0 < port < 65536:
            raise ProbeFailed("a target of type tcp has the properties host and port")
        try:
            address = await self._networks.resolve(host, port)
        except (NotAllowed, NotResolved) as error:
            raise ProbeFailed(error.message, hint=error.hint) from error
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            return FAIL
        writer.transport.abort()
        return UP


def make_driver(surroundings: Surroundings) -> TcpDriver:
    """The driver of the entry point ``tcp``."""
    return TcpDriver(surroundings.networks)
