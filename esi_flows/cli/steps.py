"""Applies a deployment step after step, each when the one before has ended well."""

from __future__ import annotations

from esi_flows.cli.apply import print_applied
from esi_flows.cli.live import display
from esi_flows.cli.screen import Screen
from esi_flows.cli.services import Services
from esi_flows.deployments.apply import Applier
from esi_flows.deployments.board import Board
from esi_flows.deployments.follow import Follower
from esi_flows.deployments.progress import Followed
from esi_flows.deployments.types import Deployment
from esi_flows.model.jobs import ResourceRef


def run_steps(
    screen: Screen,
    services: Services,
    deployment: Deployment,
    applier: Applier,
    *,
    until_monitored: bool,
) -> tuple[Board, bool]:
    """Apply and follow every step, up to one that fails.

    The board of all resources that were reached, and whether there was anything to do.
    """
    reached: dict[ResourceRef, Followed] = {}
    busy = False
    with Follower(services.store, services.catalog) as follower:
        for index in range(len(deployment.steps)):
            applied = applier.apply_step(index)
            for decision in applied.decisions:
                if decision.version:
                    resource = decision.wanted.resource
                    reached[resource] = Followed(resource, decision.version)
            if not applied.open:
                continue
            busy = True
            print_applied(screen, applied)
            followed = [reached[decision.wanted.resource] for decision in applied.open]
            with display(screen) as shown:
                board = follower.follow(followed, show=shown.show, until_monitored=until_monitored)
            if any(progress.phase.bad for progress in board.resources.values()):
                break
        return follower.board(reached.values()), busy
