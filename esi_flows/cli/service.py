"""What the commands of services share: options, logs, health and metrics, how they end."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_ERROR, EXIT_OK

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.operation.health import Health
    from esi_flows.operation.metrics import Metrics
    from esi_flows.operation.signals import Signals

LOG = logging.getLogger(__name__)


class Service(Command):
    """A command that runs until SIGTERM or SIGINT."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """How to run it, and what to check instead."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--check-config",
            action="store_true",
            help="say everything that is wrong with the configuration, and run nothing",
        )
        parser.add_argument(
            "--port",
            metavar="PORT",
            type=int,
            help="where to serve /healthz, /readyz and /metrics; 0: nowhere",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Check, or run to the end."""
        if parsed_args.check_config:
            return self.check_config()
        from esi_flows.operation.signals import Signals

        with ExitStack() as stack:
            signals = stack.enter_context(Signals())
            services = stack.enter_context(self.open())
            self._set_up_logs(services.conf)
            return self.serve(parsed_args, services, signals)

    def serve(self, parsed_args: argparse.Namespace, services: Services, signals: Signals) -> int:
        """Run until ``signals`` tells to end; the exit code."""
        raise NotImplementedError

    def check_config(self) -> int:
        """Print all findings; 1 where any is an error."""
        from esi_flows.cli.lint import plain
        from esi_flows.cli.options import endpoints
        from esi_flows.cli.services import catalog_folder
        from esi_flows.model.errors import Severity
        from esi_flows.operation.check import Given, check

        given = self.app.options
        asked = Given(
            given.config_file,
            given.config_dir,
            tuple(endpoints(given.etcd)),
            lambda conf: catalog_folder(given, conf),
        )
        # what libraries warn of on the way is not in the form of findings
        logging.getLogger().setLevel(logging.ERROR)
        counts = dict.fromkeys(Severity, 0)
        for finding in check(asked):
            counts[finding.severity] += 1
            self.app.stdout.write(f"{plain(finding)}\n")
            self.app.stdout.flush()
        told = [f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in counts.items()]
        self.app.stdout.write(f"{' and '.join(told)}\n")
        return EXIT_ERROR if counts[Severity.ERROR] else EXIT_OK

    def _set_up_logs(self, conf: Any) -> None:
        from esi_flows.operation import logs
        from esi_flows.operation.configuration import files_of, secrets_in

        given = self.app.options
        secrets = secrets_in(files_of(given.config_file, given.config_dir))
        if conf.log.config_file:
            logs.configure_from(Path(conf.log.config_file), secrets)
        else:
            level = "DEBUG" if given.verbose_level > 1 else conf.log.level
            logs.configure(format=conf.log.format, level=level, secrets=secrets)

    @contextmanager
    def operated(
        self, parsed_args: argparse.Namespace, services: Services, port: int
    ) -> Iterator[Operated]:
        """Serve health and metrics while the block runs. Raises ServerError."""
        from esi_flows.operation.endpoint import Endpoint
        from esi_flows.operation.health import Health
        from esi_flows.operation.metrics import Metrics
        from esi_flows.operation.observed_store import ObservedStore

        conf = services.conf.operation
        port = port if parsed_args.port is None else parsed_args.port
        metrics, health = Metrics(), Health(stuck_seconds=conf.stuck_seconds)
        watched = replace(services, store=ObservedStore(services.store, metrics))
        with ExitStack() as stack:
            if port:
                endpoint = stack.enter_context(
                    Endpoint(
                        conf.listen_address,
                        port,
                        health=health.healthy,
                        readiness=health.ready,
                        registry=metrics.registry,
                    )
                )
                LOG.info("health and metrics are served", extra={"port": endpoint.port})
            yield Operated(watched, metrics, health)


@dataclass(frozen=True, slots=True)
class Operated:
    """What a service is run with; the store in ``services`` counts what is asked of it."""

    services: Services
    metrics: Metrics
    health: Health

    def wait(self, signals: Signals) -> None:
        """Wait to be told to end, and tell systemd how it goes meanwhile."""
        from esi_flows.operation import notify

        notifier = notify.Notifier()
        notifier.tell(notify.READY)
        while (reason := signals.wait(notifier.interval_seconds)) is None:
            if all(self.health.healthy().values()):
                notifier.tell(notify.WATCHDOG)
        notifier.tell(notify.STOPPING)
        LOG.info("draining", extra={"reason": reason})
