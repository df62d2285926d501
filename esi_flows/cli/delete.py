"""``esi-flows delete``: mark a resource for deletion, and remove it once that is done."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_ERROR, EXIT_JOB_FAILED, EXIT_OK

if TYPE_CHECKING:
    from esi_flows.cli.screen import Screen
    from esi_flows.cli.services import Services
    from esi_flows.deployments.delete import Marked


class Delete(Command):
    """Mark a resource for deletion; a conductor deletes what it has made of it.

    Typed again after that, or with --wait, its intent and its state are removed as well.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to delete, and how."""
        parser = super().get_parser(prog_name)
        parser.add_argument("ref", metavar="REF", help="type:id, or the beginning of an id")
        parser.add_argument("--wait", action="store_true", help="wait until it is deleted")
        parser.add_argument(
            "--force", action="store_true", help="even if other resources refer to it"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Mark, wait if told to, remove if that can be."""
        from esi_flows.cli import conductors
        from esi_flows.deployments import delete, lookup

        with self.open() as services:
            store, catalog = services.store, services.catalog
            resource = lookup.find(store, catalog, parsed_args.ref)
            marked = delete.mark(store, catalog, resource, force=parsed_args.force)
            screen = self.screen()
            if delete.finish(store, catalog, resource):
                screen.line(f"{resource} is deleted.")
                return EXIT_OK
            screen.line(f"{resource} is marked for deletion (version {marked.version}).")
            if not conductors.live(store):
                self.app.stderr.write("error: no conductor is live to delete it\n")
                self.app.stderr.write(f"next: {self._conductor()}\n")
                return EXIT_ERROR
            if parsed_args.wait:
                return self._wait(services, marked, screen)
        screen.line(f"next: {self.again('delete', resource, '--wait')}")
        return EXIT_OK

    def _conductor(self) -> str:
        """How to start one: a sandbox's comes with it."""
        if self.app.options.data is not None and not self.app.options.etcd:
            return self.again("sandbox")
        return "start a conductor on this etcd"

    def _wait(self, services: Services, marked: Marked, screen: Screen) -> int:
        from esi_flows.cli.lines import LineLog
        from esi_flows.deployments import delete
        from esi_flows.deployments.follow import Follower
        from esi_flows.deployments.progress import Followed

        with Follower(services.store, services.catalog) as follower:
            followed = Followed(marked.resource, marked.version)
            board = follower.follow([followed], show=LineLog(screen).show)
        progress = board.resources[marked.resource]
        if progress.phase.bad:
            self.app.stderr.write(f"error: {marked.resource}: {progress.error}\n")
            self.app.stderr.write(f"next: {self.again('status', marked.resource)}\n")
            return EXIT_JOB_FAILED
        delete.finish(services.store, services.catalog, marked.resource)
        screen.line(f"{marked.resource} is deleted.")
        return EXIT_OK
