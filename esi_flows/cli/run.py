"""``esi-flows run``: apply a folder of intents and follow it to its end."""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_JOB_FAILED, EXIT_OK
from esi_flows.cli.interrupts import EXIT_INTERRUPTED, terminable
from esi_flows.cli.options import add_speed_option
from esi_flows.cli.sources import add_source_options, read_source, source_words
from esi_flows.model.errors import SettingsInvalid

if TYPE_CHECKING:
    from esi_flows.cli.sandboxes import Sandbox
    from esi_flows.cli.screen import Screen
    from esi_flows.cli.services import Services
    from esi_flows.cli.steps import Course
    from esi_flows.deployments.apply import Applier
    from esi_flows.deployments.types import Deployment


class Run(Command):
    """Apply a folder of intents, conduct it here, and follow it to its end.

    Killed or interrupted, typed again it goes on from what is recorded. Bad input changes nothing.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to run, and where."""
        parser = super().get_parser(prog_name)
        add_source_options(parser)
        parser.add_argument(
            "--sandbox",
            action="store_true",
            help="on an etcd and a simulated cloud of its own (see --data)",
        )
        add_speed_option(parser)
        parser.add_argument(
            "--wait", action="store_true", help="until monitoring reports every target as well"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Check everything, then apply and follow step after step."""
        try:
            with terminable():
                return self._run(parsed_args)
        except KeyboardInterrupt:
            self.app.stderr.write(
                "\ninterrupted: what is recorded stays, nothing is done twice\n"
                f"next: {self._same_command(parsed_args)}\n"
            )
            return EXIT_INTERRUPTED

    def _run(self, parsed_args: argparse.Namespace) -> int:
        from esi_flows.cli import sandboxes, services

        given = self.app.options
        with ExitStack() as stack:
            # bad input is told before anything is started
            catalog = services.open_catalog(given)
            source = read_source(parsed_args, catalog)
            sandbox = None
            if parsed_args.sandbox:
                sandboxes.refuse_other_etcd(given)
                given.data = given.data or Path(tempfile.mkdtemp(prefix="esi-flows-"))
                sandbox = stack.enter_context(
                    sandboxes.running(given.data, speed=parsed_args.speed)
                )
            opened = stack.enter_context(services.open_services(given, catalog))
            if sandbox is not None:
                sandboxes.configure(opened.conf, sandbox, speed=parsed_args.speed)
            applier = source.applier(opened.store, opened.catalog)
            try:
                return self._follow(parsed_args, opened, sandbox, source.deployment, applier)
            except SettingsInvalid as error:
                # nothing has been started or written yet
                hint = f"{error.hint}; or try it with --sandbox"
                raise SettingsInvalid(error.message, hint=hint) from error

    def _follow(
        self,
        parsed_args: argparse.Namespace,
        services: Services,
        sandbox: Sandbox | None,
        deployment: Deployment,
        applier: Applier,
    ) -> int:
        from esi_flows.cli import services as wiring
        from esi_flows.cli.guard import guarded
        from esi_flows.cli.steps import run_steps
        from esi_flows.deployments.follow import Follower

        screen = self.screen()
        with (
            wiring.at_work(services),
            _without_group_events(),
            Follower(services.store, services.catalog) as follower,
            guarded(sandbox, services.store, follower.abort, hint=self._same_command(parsed_args)),
        ):
            course = run_steps(
                screen, follower, deployment, applier, until_monitored=parsed_args.wait
            )
        if not course.followed:
            screen.line(f"Nothing to do: {deployment.name} is as wanted.")
            return EXIT_OK
        return self._conclude(parsed_args, screen, course)

    def _conclude(self, parsed_args: argparse.Namespace, screen: Screen, course: Course) -> int:
        """The table of results, and what to type next."""
        from esi_flows.cli.results import result_table, summary
        from esi_flows.deployments.progress import Phase

        resources = course.results
        for line in result_table(screen, resources):
            screen.line(line)
        screen.line(summary(resources, course.followed))
        failed = [progress for progress in resources if progress.phase.bad]
        if not failed:
            screen.line(f"next: {self.again('status')}")
            return EXIT_OK
        causes = [p for p in failed if p.phase is not Phase.CANCELLED] or failed
        for progress in causes:
            self.app.stderr.write(f"error: {progress.resource}: {progress.error}\n")
        if len(failed) > len(causes):
            cancelled = len(failed) - len(causes)
            self.app.stderr.write(f"error: {cancelled} more never ran because of that\n")
        self.app.stderr.write(f"next: {self.again('status', causes[0].resource)}\n")
        self.app.stderr.write(f"      {self._same_command(parsed_args)} tries again what failed\n")
        return EXIT_JOB_FAILED

    def _same_command(self, parsed_args: argparse.Namespace) -> str:
        words = ["run", *source_words(parsed_args)]
        words += ["--sandbox"] if parsed_args.sandbox else []
        words += ["--speed", f"{parsed_args.speed:g}"] if parsed_args.speed != 1 else []
        words += ["--wait"] if parsed_args.wait else []
        return self.again(*words)


@contextmanager
def _without_group_events() -> Iterator[None]:
    """What happens to groups is shown as progress: not once more as warnings."""
    handlers = logging.getLogger().handlers
    for handler in handlers:
        handler.addFilter(_is_no_group_event)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(_is_no_group_event)


def _is_no_group_event(record: logging.LogRecord) -> bool:
    return record.levelno != logging.WARNING or not hasattr(record, "group")
