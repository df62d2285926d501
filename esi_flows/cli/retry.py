"""``esi-flows retry``: try again what has ended badly."""

from __future__ import annotations

import argparse
import time

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK
from esi_flows.cli.steer import add_reason
from esi_flows.model.steering import Order, Want


class Retry(Command):
    """Compile and run again a resource whose last change has failed or was cancelled.

    What was cancelled because of it is tried again with it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What, and why."""
        parser = super().get_parser(prog_name)
        parser.add_argument("ref", metavar="REF", help="type:id, or the beginning of an id")
        parser.add_argument(
            "--alone", action="store_true", help="not what was cancelled because of it"
        )
        add_reason(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Record it; the conductor that reads posts it, now or whenever one is live."""
        from esi_flows.cli import conductors
        from esi_flows.deployments import lookup
        from esi_flows.steering.people import who
        from esi_flows.steering.retry import retry

        order = Order(want=Want.RETRY, by=who(), at=time.time(), reason=parsed_args.reason)
        screen = self.screen()
        with self.open() as services:
            store, catalog = services.store, services.catalog
            resource = lookup.find(store, catalog, parsed_args.ref)
            retried = retry(store, catalog, resource, order, alone=parsed_args.alone)
            for group in retried.groups:
                screen.line(f"{group} is tried again.")
            if retried.under_way:
                screen.line(f"{resource} is under way already.")
            if not conductors.live(store):
                screen.line("No conductor is live: nothing happens until one is.")
        screen.line(f"next: {self.again('status', resource)}")
        return EXIT_OK
