"""``esi-flows apply``: write the intents of a folder, leave the work to conductors."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.sources import add_source_options, read_source, source_words

if TYPE_CHECKING:
    from esi_flows.cli.screen import Screen
    from esi_flows.deployments.apply import Applied


class Apply(Command):
    """Write a folder of intents to the store; conductors do the rest.

    A deployment of several steps is applied up to the first step whose results are not there yet;
    apply it again to go on. Bad input changes nothing.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to apply."""
        parser = super().get_parser(prog_name)
        add_source_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Check everything, then write step by step."""
        from esi_flows.cli import conductors

        with self.open() as services:
            source = read_source(parsed_args, services.catalog)
            deployment = source.deployment
            applier = source.applier(services.store, services.catalog)
            screen = self.screen()
            applied = []
            for step in applier.apply_ready():
                print_applied(screen, step)
                applied.append(step)
            if not applied[-1].open:
                screen.line(f"Nothing to do: {deployment.name} is as wanted.")
                return 0
            live = conductors.live(services.store)
        if len(applied) < len(deployment.steps):
            rest = deployment.steps[len(applied)].name
            screen.line(f"Step {rest} comes when {applied[-1].step.name} has ended well.")
        if live:
            screen.line(f"Conductors at work: {', '.join(live)}")
            screen.line(f"next: {self.again('status')}")
        else:
            screen.line("No conductor is live: nothing happens until one is.")
            # a folder of a sandbox has a cloud of its own, which only the sandbox starts
            sandbox = ["--sandbox"] if self.app.options.data is not None else []
            screen.line(f"next: {self.again('run', *source_words(parsed_args), *sandbox)}")
        return 0


def print_applied(screen: Screen, applied: Applied) -> None:
    """One line per resource of a step: what was done about it."""
    screen.line(f"Step {applied.step.name}")
    for decision in applied.decisions:
        version = f" v{decision.version}" if decision.version else ""
        screen.line(f"  {decision.change.value:<9}  {decision.wanted.resource}{version}")
