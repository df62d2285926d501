"""``esi-flows sandbox``: an etcd and a simulated cloud to try things on."""

from __future__ import annotations

import argparse
import queue
import shlex
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK
from esi_flows.cli.interrupts import terminable
from esi_flows.cli.options import add_speed_option
from esi_flows.model.errors import EsiFlowsError

if TYPE_CHECKING:
    from esi_flows.cli.sandboxes import Sandbox as RunningSandbox
    from esi_flows.store.base import Store


class Sandbox(Command):
    """Keep an etcd, a simulated cloud, a conductor and a collector running until Ctrl-C.

    Prints the environment in which esi-flows and openstack commands use them.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """How to run it."""
        parser = super().get_parser(prog_name)
        add_speed_option(parser)
        parser.add_argument(
            "--no-conductor", action="store_true", help="only etcd and the simulated cloud"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Start everything, print the environment, wait to be stopped."""
        from esi_flows.cli import sandboxes, services

        given = self.app.options
        sandboxes.refuse_other_etcd(given)
        given.data = given.data or Path(tempfile.mkdtemp(prefix="esi-flows-"))
        try:
            with terminable(), ExitStack() as stack:
                sandbox = stack.enter_context(
                    sandboxes.running(given.data, speed=parsed_args.speed)
                )
                opened = stack.enter_context(services.open_services(given))
                if not parsed_args.no_conductor:
                    sandboxes.configure(opened.conf, sandbox, speed=parsed_args.speed)
                    stack.enter_context(services.at_work(opened))
                catalog = services.catalog_folder(given, opened.conf).resolve()
                self._print(sandbox, catalog)
                self._wait(sandbox, opened.store, parsed_args)
        except KeyboardInterrupt:
            self.app.stderr.write(f"stopped; the data stays in {given.data}\n")
        return EXIT_OK

    def _print(self, sandbox: RunningSandbox, catalog: Path) -> None:
        exports = {
            "ESI_FLOWS_ETCD_ENDPOINTS": sandbox.endpoint,
            "ESI_FLOWS_CATALOG": str(catalog),
            **sandbox.environment,
        }
        for name, value in exports.items():
            self.app.stdout.write(f"export {name}={shlex.quote(value)}\n")
        self.app.stdout.write(f"# data: {sandbox.data}; Ctrl-C stops it\n")
        self.app.stdout.flush()

    def _wait(self, sandbox: RunningSandbox, store: Store, parsed_args: argparse.Namespace) -> None:
        from esi_flows.cli.guard import guarded

        words = ["--speed", f"{parsed_args.speed:g}"] if parsed_args.speed != 1 else []
        words += ["--no-conductor"] if parsed_args.no_conductor else []
        ended: queue.SimpleQueue[EsiFlowsError] = queue.SimpleQueue()
        with guarded(sandbox, store, ended.put, hint=self.again("sandbox", *words)):
            raise ended.get()
