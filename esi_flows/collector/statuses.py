"""From the statuses of targets to the ``/monitoring`` document of their resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from esi_flows.collector.drivers import Status
from esi_flows.compiler.monitoring import MESSENGER, READER
from esi_flows.model import codec
from esi_flows.model.results import Target

UNWATCHED_TYPES = frozenset({MESSENGER, READER})
"""Targets that are told of but have no status of their own: counters, and what others report."""


def is_watched(target: Target) -> bool:
    """Whether the target has a status to ask for."""
    return target.type not in UNWATCHED_TYPES


def version(targets: Mapping[str, Target]) -> int:
    """The version that the document of these targets has."""
    return max(target.version for target in targets.values())


def document(targets: Mapping[str, Target], statuses: Mapping[str, Status]) -> bytes | None:
    """The document of one resource, None where nothing is known of any of its targets.

    As recorded: one member per target, an object where the target has several parts, and the
    version of the configuration they belong to.
    """
    known = {name: statuses[name] for name in targets if name in statuses}
    if not known:
        return None
    body: dict[str, Any] = {"version": version(targets), **known}
    return codec.dumps(body)
