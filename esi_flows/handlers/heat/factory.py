"""Makes the Heat handler from the configuration."""

from __future__ import annotations

from typing import Any

from esi_flows.handlers.heat.auth import make_clouds
from esi_flows.handlers.heat.handler import HeatHandler
from esi_flows.handlers.heat.poller import StackPoller


def make_handler(conf: Any) -> HeatHandler:
    """After the sections ``[cloud]`` and ``[heat]``. Raises SettingsInvalid."""
    clouds = make_clouds(conf)
    poller = StackPoller(
        clouds, min_seconds=conf.heat.poll_min_seconds, max_seconds=conf.heat.poll_max_seconds
    )
    poller.start()
    return HeatHandler(clouds, poller, grace_seconds=conf.heat.grace_seconds)
