"""Monitored things: what a monitoring target of each type is found to be."""

from __future__ import annotations

from typing import Any

from esi_flows.sandbox.errors import CloudError
from esi_flows.sandbox.faults import Faults


def observed(target: dict[str, Any], faults: Faults) -> str:
    """The status of a target: UP, MASTER, BACKUP, ESTABLISHED or, if a fault says so, another.

    ``target`` has ``type``, and may have ``name``, ``properties`` and ``wanted_status``. Raises
    CloudError for one without a type.
    """
    kind = target.get("type")
    if not isinstance(kind, str) or not kind:
        raise CloudError("a monitoring target needs a type")
    forced = faults.monitored(type_name=kind, name=str(target.get("name", "")))
    if forced:
        return forced
    if kind == "vrrp_session":
        return str(target.get("wanted_status") or "master").upper()
    return "ESTABLISHED" if kind == "bgp_session" else "UP"
