"""The real clients on a running sandbox cloud."""

from __future__ import annotations

from keystoneauth1 import session

from esi_flows.handlers.heat.auth import load_auth
from esi_flows.handlers.heat.client import Clouds
from esi_flows.sandbox.cloud import Cloud


def clouds_of(cloud: Cloud) -> Clouds:
    """Heat for each project of a sandbox cloud, with its own credential."""
    options = {
        name.removeprefix("OS_").lower(): value
        for name, value in cloud.environment().items()
        if name.startswith("OS_")
    }

    def make_session(project_id: str) -> session.Session:
        auth = load_auth({"auth_type": "password", **options}, project_id)
        return session.Session(auth=auth, timeout=10)

    return Clouds(make_session, region_name=options["region_name"])
