"""``esi-flows graph``: a picture of what would happen, happens, or has happened."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.views.model import Graph as Picture

FORMATS = ("ascii", "mermaid", "dot", "svg", "html", "json")


class Graph(Command):
    """Draw the jobs of a folder, a saved plan or a resource: their order, and why they wait.

    Of a folder or a plan: what a run would do. Of a resource: its groups in the store, with those
    that they wait for and that wait for them. Nothing is written.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to draw, and how."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "target",
            metavar="DIR|PLAN|REF",
            nargs="?",
            help="folder of intents, saved plan, or type:id; without: every group in the store",
        )
        parser.add_argument("-o", choices=FORMATS, default="ascii", dest="format", help="as what")
        parser.add_argument("--diff", metavar="DIR|PLAN", help="mark what is new compared with it")
        parser.add_argument(
            "--if-fails", metavar="JOB", help="mark what is reverted and cancelled if it fails"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Read, mark and print."""
        from esi_flows.views import analysis

        with self.open() as services:
            graph = _graph(parsed_args.target, services)
            if parsed_args.diff is not None:
                graph = analysis.difference(_graph(parsed_args.diff, services), graph)
        if parsed_args.if_fails is not None:
            graph = analysis.if_fails(graph, analysis.find_job(graph, parsed_args.if_fails))
        self.app.stdout.write(_drawers()[parsed_args.format](graph))
        return EXIT_OK


def _drawers() -> Mapping[str, Callable[[Picture], str]]:
    from esi_flows.views import page, svg, texts

    return {
        "ascii": texts.tree,
        "mermaid": texts.mermaid,
        "dot": texts.dot,
        "svg": svg.svg,
        "html": page.html,
        "json": texts.document,
    }


def _graph(target: str | None, services: Services) -> Picture:
    from esi_flows.deployments import lookup
    from esi_flows.deployments.loader import load_deployment
    from esi_flows.planning.planner import plan_deployment
    from esi_flows.planning.saved import load_document
    from esi_flows.views import planned, recorded
    from esi_flows.views.analysis import around

    store, catalog = services.store, services.catalog
    if target is None:
        return recorded.live(store, catalog)
    path = Path(target)
    if path.is_file():
        return planned.planned_document(load_document(path))
    if path.exists() or "/" in target:
        return planned.planned(plan_deployment(store, catalog, load_deployment(path, catalog)))
    resource = lookup.find(store, catalog, target)
    return around(recorded.live(store, catalog), resource)
