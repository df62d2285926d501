"""``esi-flows drift``: where Heat differs from what was recorded."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cliff import lister

from esi_flows.cli.base import Command
from esi_flows.cli.drift_text import report_lines
from esi_flows.cli.errors import EXIT_DRIFT, EXIT_ERROR, EXIT_OK
from esi_flows.drift.types import Kind

if TYPE_CHECKING:
    from esi_flows.drift.types import Report

COLUMNS = ("Resource", "Stack", "Project", "Drift", "Text", "Names")


class Drift(Command, lister.Lister):
    """Compare Heat with what was recorded, and change nothing, here or there.

    Exit code 0: no drift; 3: there is some; 1: not everything could be compared.
    """

    need_sort_by_cliff = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to compare."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "ref", metavar="REF", nargs="?", help="type:id, or the beginning of an id; all without"
        )
        parser.add_argument(
            "--ignore",
            metavar="KIND",
            action="append",
            default=[],
            choices=[kind.value for kind in Kind],
            help=f"not this kind of drift (repeat it): {', '.join(Kind)}",
        )
        parser.set_defaults(fit_width=True)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Look and print."""
        code = super().run(parsed_args)
        report: Report | None = getattr(parsed_args, "report", None)
        if code != EXIT_OK or report is None:
            return code
        for each in report.unseen:
            self.app.stderr.write(f"error: {each.resource}: not compared: {each.problem}\n")
        if report.unseen:
            return EXIT_ERROR
        return EXIT_DRIFT if report.drifted else EXIT_OK

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """One row per difference."""
        from esi_flows.cli import views_of_heat
        from esi_flows.deployments import lookup
        from esi_flows.drift.look import look

        with self.open() as services:
            store, catalog = services.store, services.catalog
            ref = parsed_args.ref
            only = None if ref is None else [lookup.find(store, catalog, ref)]
            ignore = [Kind(kind) for kind in parsed_args.ignore]
            view = views_of_heat.of_conf(services.conf)
            parsed_args.report = look(store, catalog, view, only=only, ignore=ignore)
        rows = [
            (
                str(each.resource),
                each.stack,
                each.project,
                difference.kind.value,
                difference.text,
                ", ".join(change.name for change in difference.values),
            )
            for each in parsed_args.report.drifted
            for difference in each.differences
        ]
        return COLUMNS, rows

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> int:
        """Text for people, everything for programs, or rows as cliff does."""
        from esi_flows.cli.plan import dump
        from esi_flows.drift.document import report_document

        report: Report = parsed_args.report
        if parsed_args.columns or parsed_args.formatter not in ("table", "json", "yaml"):
            super().produce_output(parsed_args, column_names, data)
        elif parsed_args.formatter == "table":
            screen = self.screen()
            for line in report_lines(report, self.again):
                screen.line(line, always=True)
        else:
            dump(parsed_args.formatter, report_document(report), self.app.stdout)
        return EXIT_OK
