"""Where targets may be: a name is resolved once, checked, and connected to as it was checked.

Targets are written by others. Without bounds, whoever can write one could make the collector knock
at whatever it can reach.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from esi_flows.model.errors import EsiFlowsError, SettingsInvalid


class NotAllowed(EsiFlowsError):
    """The address is in none of the networks that targets may be in."""


class NotResolved(EsiFlowsError):
    """The name has no address now."""


class Networks:
    """The networks that targets may be in; none means any."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """``allowed`` in the form ``10.0.0.0/8``. Raises SettingsInvalid."""
        try:
            self._allowed = [ipaddress.ip_network(network) for network in allowed]
        except ValueError as error:
            raise SettingsInvalid(
                f"[collector] allowed_networks: {error}", hint="write 10.0.0.0/8, 2001:db8::/32"
            ) from error

    async def resolve(self, host: str, port: int) -> str:
        """The first address of ``host`` that is allowed. Raises NotAllowed, NotResolved."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            raise NotResolved(f"{host} has no address: {error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if self._allows(address):
                return address
        raise NotAllowed(
            f"{host} is at {', '.join(dict.fromkeys(addresses))}, where no target may be",
            hint="see allowed_networks of the section [collector]",
        )

    def _allows(self, address: str) -> bool:
        number = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped is not None:
            number = number.ipv4_mapped
        return not self._allowed or any(number in network for network in self._allowed)
