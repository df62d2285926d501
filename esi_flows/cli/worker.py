"""``esi-flows worker``: the service that runs handlers for conductors on other hosts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from esi_flows.cli.errors import EXIT_OK
from esi_flows.cli.service import Service

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.operation.signals import Signals


class Worker(Service):
    """Run handlers for conductors, until SIGTERM or Ctrl-C.

    The first signal drains: nothing more is taken, what runs stops at its next safe point, and
    conductors send it to other workers. A second signal ends the process on the spot.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which topic to listen to."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--topic", metavar="TOPIC", default="heat", help="default: heat")
        return parser

    def serve(self, parsed_args: argparse.Namespace, services: Services, signals: Signals) -> int:
        """Run until told to end. Raises SettingsInvalid where there is no broker."""
        from esi_flows.cli.services import open_handlers, require_workers

        conf = services.conf.workers
        require_workers(services.conf)
        from esi_flows.operation.observed_handlers import observed
        from esi_flows.worker.service import WorkerService

        port = services.conf.operation.worker_port
        with (
            open_handlers(services.conf) as handlers,
            self.operated(parsed_args, services, port) as operated,
        ):
            worker = WorkerService(
                operated.services.store,
                services.catalog,
                observed(handlers, operated.metrics),
                url=conf.url,
                topic=parsed_args.topic,
                jobs=conf.jobs,
                beat_seconds=conf.beat_seconds,
            )
            worker.start()
            try:
                operated.metrics.follow(worker.vitals)
                operated.health.follow(worker.vitals)
                operated.wait(signals)
            finally:
                operated.health.draining.set()
                worker.stop()
        return EXIT_OK
