"""Views of Heat as the configuration says: what commands get that only look."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from esi_flows.handlers.heat.auth import session_factory
from esi_flows.handlers.heat.view import HeatView


def of_conf(conf: Any) -> Callable[[str], HeatView]:
    """Gives the view of a project. Raises SettingsInvalid where no cloud is configured."""
    make_session = session_factory(conf)
    region = conf.heat.region_name or os.environ.get("OS_REGION_NAME")

    def view(project_id: str) -> HeatView:
        scoped = make_session(project_id)
        return HeatView(scoped, region_name=region, interface=conf.heat.interface)

    return view
