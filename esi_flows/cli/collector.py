"""``esi-flows collector``: the service that watches monitoring targets."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from esi_flows.cli.errors import EXIT_OK
from esi_flows.cli.service import Service

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.operation.signals import Signals


class Collector(Service):
    """Ask for the status of every monitoring target, until SIGTERM or Ctrl-C.

    One of several collectors has the role, the others stand by.
    """

    def serve(self, parsed_args: argparse.Namespace, services: Services, signals: Signals) -> int:
        """Run until told to end. Raises SettingsInvalid."""
        from esi_flows.cli.services import open_collector

        port = services.conf.operation.collector_port
        with (
            self.operated(parsed_args, services, port) as operated,
            open_collector(operated.services) as collector,
        ):
            collector.start()
            try:
                operated.metrics.follow(collector.vitals)
                operated.health.follow(collector.vitals)
                operated.wait(signals)
            finally:
                operated.health.draining.set()
                collector.stop()
        return EXIT_OK
