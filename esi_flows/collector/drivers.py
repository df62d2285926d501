"""What drivers are: each asks one kind of target how it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, Protocol

from stevedore import ExtensionManager

from esi_flows.collector.networks import Networks
from esi_flows.model.errors import EsiFlowsError, SettingsInvalid
from esi_flows.model.results import Target

NAMESPACE = "esi_flows.drivers"

UP = "UP"
FAIL = "FAIL"

Status = str | Mapping[str, str]
"""In the words of what is watched; an object where one target has several parts."""


class ProbeFailed(EsiFlowsError):
    """The status could not be had; that is not the same as a bad status."""


class Driver(Protocol):
    """Tells the status of targets of one type."""

    async def status(self, target: Target) -> Status:
        """The status. Raises ProbeFailed. Cancelled when the target's time is over."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a driver is made with."""

    networks: Networks
    """Where it may connect to."""


class Drivers:
    """A driver for each type of target, and one for all other types, if there is such a one."""

    def __init__(
        self, by_type: Mapping[str, Driver], *, other: Driver | None = None, seconds: float
    ) -> None:
        """``seconds``: how long a target may take, where it does not say so itself."""
        self._by_type = dict(by_type)
        self._other = other
        self._seconds = seconds

    async def status(self, target: Target) -> Status:
        """The status, whatever is wrong with what is asked. Raises ProbeFailed."""
        driver = self._by_type.get(target.type, self._other)
        if driver is None:
            raise ProbeFailed(
                f"no driver watches targets of type {target.type}",
                hint=f"known: {', '.join(sorted(self._by_type))}; "
                "others are asked of the status_url of the section [collector]",
            )
        seconds = target.timeout_seconds or self._seconds
        try:
            async with asyncio.timeout(seconds):
                return await driver.status(target)
        except TimeoutError as error:
            raise ProbeFailed(f"no answer within {seconds:g} s") from error


def load_drivers(surroundings: Surroundings) -> dict[str, Driver]:
    """Every installed driver by the type of target it is for. Raises SettingsInvalid.

    An entry point of ``esi_flows.drivers`` is a callable that gets the :class:`Surroundings`.
    """

    def refuse(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
        raise SettingsInvalid(
            f"the driver {entry_point.name} cannot be loaded from {entry_point.value}: {error}",
            hint="install what it needs, or remove the package that brings it",
        ) from error

    found = ExtensionManager(NAMESPACE, on_load_failure_callback=refuse)
    return {extension.name: extension.plugin(surroundings) for extension in found}
