"""Applies a deployment step after step, each when the one before has ended well."""

from __future__ import annotations

from dataclasses import dataclass, field

from esi_flows.cli.apply import print_applied
from esi_flows.cli.live import display
from esi_flows.cli.screen import Screen
from esi_flows.deployments.apply import Applier
from esi_flows.deployments.decide import Change
from esi_flows.deployments.follow import Follower
from esi_flows.deployments.progress import Followed, ResourceProgress
from esi_flows.deployments.types import Deployment
from esi_flows.model.jobs import ResourceRef


@dataclass(slots=True)
class Course:
    """What has come of a deployment: the groups that were followed, and what was as wanted."""

    followed: list[ResourceProgress] = field(default_factory=list)
    unchanged: list[ResourceProgress] = field(default_factory=list)

    @property
    def results(self) -> list[ResourceProgress]:
        """All of it, what was as wanted first."""
        return [*self.unchanged, *self.followed]


def run_steps(
    screen: Screen,
    follower: Follower,
    deployment: Deployment,
    applier: Applier,
    *,
    until_monitored: bool,
) -> Course:
    """Apply and follow every step, up to one that fails."""
    course = Course()
    unchanged: dict[ResourceRef, Followed] = {}
    for index in range(len(deployment.steps)):
        applied = applier.apply_step(index)
        for decision in applied.decisions:
            if decision.change is Change.NONE:
                resource = decision.wanted.resource
                unchanged[resource] = Followed(resource, decision.version)
        if not applied.open:
            continue
        print_applied(screen, applied)
        followed = [Followed(d.wanted.resource, d.version) for d in applied.open]
        with display(screen) as shown:
            board = follower.follow(followed, show=shown.show, until_monitored=until_monitored)
        course.followed += board.resources.values()
        if any(progress.phase.bad for progress in board.resources.values()):
            break
    gone_on = {progress.resource for progress in course.followed}
    untouched = [f for resource, f in unchanged.items() if resource not in gone_on]
    course.unchanged += follower.board(untouched).resources.values()
    return course
