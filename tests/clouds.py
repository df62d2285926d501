"""The real clients on a running cloud."""

from __future__ import annotations

import time
from collections.abc import Callable

from keystoneauth1 import session

from esi_flows.handlers.heat.auth import load_auth
from esi_flows.handlers.heat.client import Clouds
from esi_flows.handlers.heat.poller import StackPoller
from tests.cloud.plugin import TENANT, World


def clouds_of(cloud: World) -> Clouds:
    """Heat for each project of a cloud, with its own credential."""
    return Clouds(sessions_of(cloud), region_name=cloud.environment()["OS_REGION_NAME"])


def sessions_of(cloud: World) -> Callable[[str], session.Session]:
    """Makes sessions of the projects of a cloud."""
    options = {
        name.removeprefix("OS_").lower(): value
        for name, value in cloud.environment().items()
        if name.startswith("OS_")
    }

    def make_session(project_id: str) -> session.Session:
        auth = load_auth({"auth_type": "password", **options}, project_id)
        return session.Session(auth=auth, timeout=60)

    return make_session


def empty(cloud: World) -> None:
    """Delete every stack in the project of the example deployments."""
    clouds = clouds_of(cloud)
    heat = clouds.project(TENANT)
    poller = StackPoller(clouds, min_seconds=0.05, max_seconds=0.2)
    poller.start()
    left = heat.stacks()
    for stack in left:
        heat.delete(stack)
    deadline = time.monotonic() + 60
    gone = [
        poller.settled(TENANT, each.name, deadline=deadline, before=each, deleting=True)
        for each in left
    ]
    assert [each.result() for each in gone] == [None] * len(left)
    poller.stop()
