"""The real clients on a running cloud."""

from __future__ import annotations

from keystoneauth1 import session

from esi_flows.handlers.heat.auth import load_auth
from esi_flows.handlers.heat.client import Clouds
from tests.cloud.plugin import World


def clouds_of(cloud: World) -> Clouds:
    """Heat for each project of a cloud, with its own credential."""
    options = {
        name.removeprefix("OS_").lower(): value
        for name, value in cloud.environment().items()
        if name.startswith("OS_")
    }

    def make_session(project_id: str) -> session.Session:
        auth = load_auth({"auth_type": "password", **options}, project_id)
        return session.Session(auth=auth, timeout=10)

    return Clouds(make_session, region_name=options["region_name"])
