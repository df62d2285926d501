"""``esi-flows repair``: make Heat again what was recorded, through the conductors."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_DRIFT, EXIT_ERROR, EXIT_JOB_FAILED, EXIT_OK

if TYPE_CHECKING:
    from esi_flows.cli.screen import Screen
    from esi_flows.cli.services import Services
    from esi_flows.deployments.progress import Followed
    from esi_flows.drift.types import Looked, Report
    from esi_flows.model.jobs import ResourceRef


class Repair(Command):
    """Have conductors run again what has drifted: missing stacks are made, others updated.

    Shows the drift and the plan first, and asks. Nothing unknown is ever deleted.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to repair."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "refs", metavar="REF", nargs="+", help="type:id, or the beginning of an id"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--wait", action="store_true", help="wait for the end, and look for drift again"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Look, plan, ask, order; then wait if told to."""
        from esi_flows.cli import conductors
        from esi_flows.deployments import lookup

        screen = self.screen()
        with self.open() as services:
            store, catalog = services.store, services.catalog
            found = [lookup.find(store, catalog, ref) for ref in parsed_args.refs]
            report = self._look(services, found)
            resources = self._repairable(screen, report)
            if not resources:
                screen.line("Nothing to do: what is recorded is what Heat has.")
                return EXIT_OK
            resources = self._plan(screen, services, resources)
            if not parsed_args.yes and not self._agreed():
                self.app.stderr.write("error: nothing was done: nobody has said yes\n")
                words = ["repair", *resources, "--yes"]
                self.app.stderr.write(f"next: {self.again(*words)}\n")
                return EXIT_ERROR
            followed = self._order(screen, services, resources)
            if not conductors.live(store):
                screen.line("No conductor is live: nothing happens until one is.")
            elif parsed_args.wait:
                return self._wait(screen, services, followed)
        screen.line(f"next: {self.again('drift', resources[0])}")
        return EXIT_OK

    def _look(self, services: Services, resources: list[ResourceRef]) -> Report:
        """Raises InvalidInput where Heat does not tell whether something has drifted."""
        from esi_flows.cli import views_of_heat
        from esi_flows.drift.look import look
        from esi_flows.model.errors import Finding, InvalidInput

        view = views_of_heat.of_conf(services.conf)
        report = look(services.store, services.catalog, view, only=resources)
        untold = [each for each in report.unseen if not each.differences]
        if untold:
            raise InvalidInput(
                "not everything could be compared, so nothing is repaired",
                findings=[Finding(str(each.resource), each.problem) for each in untold],
            )
        return report

    def _repairable(self, screen: Screen, report: Report) -> list[ResourceRef]:
        """What has drifted. Raises InvalidInput for what only somebody else can mend."""
        from esi_flows.cli.drift_text import looked_lines

        for looked in report.drifted:
            for line in looked_lines(looked):
                screen.line(line)
        for looked in report.drifted:
            _refuse_others(looked)
        return [looked.resource for looked in report.drifted]

    def _plan(
        self, screen: Screen, services: Services, resources: list[ResourceRef]
    ) -> list[ResourceRef]:
        """Show the plan; the resources in the order in which they are to be run again.

        Raises InvalidInput where one of them cannot be.
        """
        from esi_flows.cli.plan_text import PlanText
        from esi_flows.deployments.order import ordered
        from esi_flows.deployments.types import Wanted
        from esi_flows.planning.again import plan_again
        from esi_flows.planning.snapshot import Snapshot
        from esi_flows.steering.repair import standing

        catalog, snapshot = services.catalog, Snapshot.take(services.store)
        now = [standing(snapshot, catalog, resource) for resource in resources]
        # what is read by others goes first, so that they wait for it
        wanted = [Wanted(each.resource, each.intent.body, each.config.key) for each in now]
        resources = [each.resource for each in ordered(wanted, catalog, [])]
        memos = {each.memo.key: each.put_back for each in now}
        for plan in plan_again(snapshot, catalog, resources, memos):
            for line in PlanText(screen, plan, full=False).lines():
                screen.line(line)
        return resources

    def _agreed(self) -> bool:
        """Whether somebody at a terminal says yes."""
        if not sys.stdin.isatty():
            return False
        self.app.stdout.write("Repair? [y/N] ")
        self.app.stdout.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _order(
        self, screen: Screen, services: Services, resources: list[ResourceRef]
    ) -> list[Followed]:
        from esi_flows.deployments.progress import Followed
        from esi_flows.model.steering import Order, Want
        from esi_flows.steering.people import who
        from esi_flows.steering.repair import repair

        followed = []
        for resource in resources:
            order = Order(want=Want.RETRY, by=who(), at=time.time(), reason="repair of drift")
            before = repair(services.store, services.catalog, resource, order)
            screen.line(f"{before.name} is run again.")
            followed.append(Followed(resource, before.version, instead_of=before.posted_at))
        return followed

    def _wait(self, screen: Screen, services: Services, followed: list[Followed]) -> int:
        from esi_flows.cli.drift_text import report_lines
        from esi_flows.cli.live import display
        from esi_flows.deployments.follow import Follower

        with Follower(services.store, services.catalog) as follower, display(screen) as shown:
            board = follower.follow(followed, show=shown.show)
        failed = [p for p in board.resources.values() if p.phase.bad]
        for progress in failed:
            self.app.stderr.write(f"error: {progress.resource}: {progress.error}\n")
        if failed:
            self.app.stderr.write(f"next: {self.again('retry', failed[0].resource)}\n")
            return EXIT_JOB_FAILED
        report = self._look(services, [each.resource for each in followed])
        for line in report_lines(report, self.again):
            screen.line(line)
        return EXIT_DRIFT if report.drifted else EXIT_OK


def _refuse_others(looked: Looked) -> None:
    from esi_flows.drift.types import Kind
    from esi_flows.model.errors import InvalidInput

    kinds = {difference.kind for difference in looked.differences}
    if Kind.UNKNOWN in kinds:
        raise InvalidInput(
            f"nothing is recorded of stack {looked.stack}: it is not repaired, and never deleted",
            hint=f"openstack stack delete {looked.stack}, in its project, if nobody needs it",
        )
    if Kind.SUSPENDED in kinds:
        raise InvalidInput(
            f"stack {looked.stack} is suspended, and Heat updates none that is",
            hint=f"openstack stack resume {looked.stack}, in its project",
        )
