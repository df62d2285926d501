"""``esi-flows collector``: the service that watches monitoring targets."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from esi_flows.cli.errors import EXIT_OK
from esi_flows.cli.service import Service
from esi_flows.model.errors import SettingsInvalid

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.operation.signals import Signals


class Collector(Service):
    """Ask for the status of every monitoring target, until SIGTERM or Ctrl-C.

    One of several collectors has the role, the others stand by.
    """

    def serve(self, parsed_args: argparse.Namespace, services: Services, signals: Signals) -> int:
        """Run until told to end. Raises SettingsInvalid where there is nobody to ask."""
        from esi_flows.cli.services import open_collector

        if not services.conf.collector.status_url:
            raise SettingsInvalid(
                "no service is configured that tells the status of targets",
                hint="set status_url in the section [collector]",
            )
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
