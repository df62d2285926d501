"""``esi-flows suspend``, ``resume``, ``cancel``, ``pause``, ``unpause``: steer what runs."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK
from esi_flows.model.steering import Order, Pause, Want

if TYPE_CHECKING:
    from esi_flows.catalog.types import Catalog
    from esi_flows.model.jobs import ResourceRef
    from esi_flows.store.base import ReadStore

_TOLD = {
    Want.SUSPEND: ("stops at its next safe point", "was to be suspended already"),
    Want.RUN: ("goes on", "was not suspended"),
    Want.CANCEL: ("is stopped and reverted", "was to be cancelled already"),
}


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Why it is done."""
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, to be recorded")


class _Steer(Command):
    """Gives an order to the unfinished groups of a resource."""

    want: Want

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What, and why."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "ref",
            metavar="REF",
            help="type:id, the beginning of an id, or a group (type:id:version)",
        )
        add_reason(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Record the order; conductors obey it, now or whenever one is live."""
        from esi_flows.cli import conductors
        from esi_flows.steering.orders import give
        from esi_flows.steering.people import who

        order = Order(want=self.want, by=who(), at=time.time(), reason=parsed_args.reason)
        screen = self.screen()
        with self.open() as services:
            store = services.store
            resource, groups = _groups(store, services.catalog, parsed_args.ref)
            for group in groups:
                given = give(store, group, order)
                screen.line(f"{group} {_TOLD[self.want][0 if given.is_new else 1]}.")
            if not conductors.live(store):
                screen.line("No conductor is live: nothing happens until one is.")
        screen.line(f"next: {self.again('status', resource)}")
        return EXIT_OK


class Suspend(_Steer):
    """Stop the unfinished groups of a resource at their next safe point, until they are resumed."""

    want = Want.SUSPEND


class Resume(_Steer):
    """Let the suspended groups of a resource go on from where they stopped."""

    want = Want.RUN


class Cancel(_Steer):
    """Stop the unfinished groups of a resource and revert them; what has not begun never does."""

    want = Want.CANCEL


class PauseService(Command):
    """Let no conductor claim anything; what runs goes on."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """How far, and why."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--suspend", action="store_true", help="what runs stops at its next safe point as well"
        )
        add_reason(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Record it; from then on nothing is claimed."""
        from esi_flows.steering import service
        from esi_flows.steering.people import who

        wanted = Pause(
            by=who(), at=time.time(), reason=parsed_args.reason, suspend=parsed_args.suspend
        )
        with self.open() as services:
            held, is_new = service.pause(services.store, wanted)
        self.screen().line(f"Paused{'' if is_new else ' already'}, {pause_text(held)}.")
        self.screen().line(f"next: {self.again('unpause')}")
        return EXIT_OK


class UnpauseService(Command):
    """Let conductors claim again."""

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Take the pause away."""
        from esi_flows.steering import service

        with self.open() as services:
            ended = service.unpause(services.store)
        self.screen().line("It goes on." if ended else "It was not paused.")
        return EXIT_OK


def pause_text(pause: Pause) -> str:
    """``by alice@host: maintenance; what runs is suspended``."""
    reason = f": {pause.reason}" if pause.reason else ""
    return f"by {pause.by}{reason}" + ("; what runs is suspended" if pause.suspend else "")


def _groups(store: ReadStore, catalog: Catalog, text: str) -> tuple[ResourceRef, list[str]]:
    """The groups that are meant: the named one; else the unfinished of the resource, else its last.

    Raises InvalidInput.
    """
    from esi_flows.deployments import lookup
    from esi_flows.model.errors import InvalidInput
    from esi_flows.steering.orders import groups_of

    name, _, version = text.rpartition(":")
    if name.partition(":")[1] and version.isdecimal():
        resource = lookup.find(store, catalog, name)
        return resource, [f"{resource}:{version}"]
    resource = lookup.find(store, catalog, text)
    records = groups_of(store, resource)
    if not records:
        raise InvalidInput(
            f"{resource} has no group yet", hint=f"esi-flows status {resource} shows why"
        )
    unfinished = [record.name for record in records if not record.state.ended]
    return resource, unfinished or [records[-1].name]
