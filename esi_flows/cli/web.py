"""``esi-flows web``: flows in a browser."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from esi_flows.cli.errors import EXIT_OK
from esi_flows.cli.service import Service

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.operation.signals import Signals

LOG = logging.getLogger(__name__)


class Web(Service):
    """Show deployments, groups and conductors in a browser, live, until SIGTERM or Ctrl-C."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Where to serve, and who may do what."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--listen", metavar="ADDRESS", help="address to serve at, instead of the configured one"
        )
        parser.add_argument(
            "--token-file",
            metavar="FILE",
            type=Path,
            help="lines NAME:TOKEN of those who may look; needed off loopback",
        )
        parser.add_argument(
            "--allow-actions",
            action="store_true",
            help="whoever may look may also suspend, cancel, retry and so on",
        )
        return parser

    def serve(self, parsed_args: argparse.Namespace, services: Services, signals: Signals) -> int:
        """Serve until told to end. Raises InvalidInput, SettingsInvalid, ServerError."""
        from esi_flows.cli.services import catalog_folder
        from esi_flows.operation import notify
        from esi_flows.steering.people import who
        from esi_flows.web.access import Tokens, read_tokens
        from esi_flows.web.folders import read_folders
        from esi_flows.web.server import WebServer

        conf = services.conf.web
        file = parsed_args.token_file or (Path(conf.token_file) if conf.token_file else None)
        flows = catalog_folder(self.app.options, services.conf)
        server = WebServer(
            services.store,
            services.catalog,
            address=parsed_args.listen or conf.listen_address,
            port=conf.port if parsed_args.port is None else parsed_args.port,
            tokens=read_tokens(file) if file is not None else Tokens({}),
            person=who(),
            folders=read_folders(flows / "deployments", services.catalog),
            acts=parsed_args.allow_actions,
        )
        server.start()
        notifier = notify.Notifier()
        try:
            LOG.info("pages are served", extra={"port": server.port})
            notifier.tell(notify.READY)
            while (reason := signals.wait(notifier.interval_seconds)) is None:
                if server.is_alive:
                    notifier.tell(notify.WATCHDOG)
            notifier.tell(notify.STOPPING)
            LOG.info("draining", extra={"reason": reason})
        finally:
            server.stop()
        return EXIT_OK
