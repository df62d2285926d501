"""``esi-flows timeline``: where the time went, of what runs or has ended."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.views.model import Graph

FORMATS = ("text", "svg", "html", "json")


class Timeline(Command):
    """Show how long groups waited, how long the outside world took, and we ourselves.

    Of a folder: the groups of its resources. Of a resource: its groups with those that they wait
    for and that wait for them. Without either: every group that the store has a record of.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Of what, and how."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "target", metavar="DIR|REF", nargs="?", help="folder of intents; or type:id"
        )
        parser.add_argument("-o", choices=FORMATS, default="text", dest="format", help="as what")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Read and print."""
        from esi_flows.views import timeline

        with self.open() as services:
            graph = _graph(parsed_args.target, services)
        draw = {
            "text": timeline.text,
            "svg": timeline.svg,
            "html": timeline.html,
            "json": timeline.document,
        }
        self.app.stdout.write(draw[parsed_args.format](graph))
        return EXIT_OK


def _graph(target: str | None, services: Services) -> Graph:
    from esi_flows.deployments import lookup
    from esi_flows.deployments.loader import load_deployment
    from esi_flows.views import recorded
    from esi_flows.views.analysis import around, only

    store, catalog = services.store, services.catalog
    graph = recorded.live(store, catalog)
    if target is None:
        return graph
    if Path(target).exists() or "/" in target:
        deployment = load_deployment(Path(target), catalog)
        wanted = {intent.resource for intent in deployment.intents()}
        kept = {group.id for group in graph.groups() if group.resource in wanted}
        return only(graph, kept, name=deployment.name)
    return around(graph, lookup.find(store, catalog, target))
