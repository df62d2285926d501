"""``esi-flows conductor``: the service that compiles, claims and runs."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from esi_flows.cli.errors import EXIT_ERROR, EXIT_OK
from esi_flows.cli.service import Service
from esi_flows.model.errors import StoreError

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.operation.signals import Signals

LOG = logging.getLogger(__name__)

_REST = "nothing is left to do"
_RETRY_SECONDS = 1.0


class Conductor(Service):
    """Compile intents, and run job groups, until SIGTERM or Ctrl-C.

    The first signal drains: nothing more is claimed, what runs stops at its next safe point and is
    given back at once. A second signal ends the process on the spot.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """How long to run."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--once", action="store_true", help="until nothing is left to do; 1 if a group failed"
        )
        return parser

    def serve(self, parsed_args: argparse.Namespace, services: Services, signals: Signals) -> int:
        """Run until told to end, or until nothing is left to do."""
        from esi_flows.cli.services import make_conductor, open_handlers, routed
        from esi_flows.engine.collecting import collect_rarely
        from esi_flows.operation.observed_handlers import observed

        port = services.conf.operation.conductor_port
        with (
            open_handlers(services.conf) as installed,
            routed(services.conf, installed) as handlers,
            self.operated(parsed_args, services, port) as operated,
        ):
            conductor = make_conductor(operated.services, observed(handlers, operated.metrics))
            conductor.start()
            collect_rarely()
            try:
                operated.metrics.follow(conductor.vitals, conductor.workload)
                operated.metrics.follow_errands(handlers.values())
                operated.health.follow(conductor.vitals)
                if parsed_args.once:
                    return self._to_rest(services, signals)
                operated.wait(signals)
                return EXIT_OK
            finally:
                operated.health.draining.set()
                conductor.stop()

    def _to_rest(self, services: Services, signals: Signals) -> int:
        """Wait until nothing is left to do, by whomever; the exit code."""
        from esi_flows.operation.rest import Rest

        rest = Rest(services.store, services.catalog, lambda: signals.end(_REST))
        rest.start()
        try:
            while not rest.begin(_RETRY_SECONDS):
                if signals.wait(0) is not None:
                    return EXIT_OK
            rest.look()
            while (reason := signals.wait()) == _REST:
                try:
                    if rest.confirm():
                        break
                except StoreError as error:
                    LOG.warning("etcd does not answer", extra={"error": error.message})
                    if signals.wait(_RETRY_SECONDS) not in (None, _REST):
                        break
                    rest.look()
        finally:
            rest.stop()
        failed = sorted(rest.failed)
        LOG.info("ending", extra={"reason": reason, "failed": failed[:20]})
        return EXIT_ERROR if failed else EXIT_OK
