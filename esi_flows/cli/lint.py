"""``esi-flows lint``: everything that is wrong with a catalog or a deployment, offline."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliff import lister

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_ERROR, EXIT_OK

if TYPE_CHECKING:
    from esi_flows.catalog.loader import ReadCatalog
    from esi_flows.model.errors import Finding

COLUMNS = ("File", "Line", "Column", "Severity", "Path", "Finding", "Value", "Allowed", "Hint")


class Lint(Command, lister.Lister):
    """Find everything that is wrong with a catalog or a deployment, without etcd or a cloud.

    DIR is a catalog (it has resources/), the folder of a deployment, or a catalog with its
    deployments/ beside it. Without -f each finding is a line: FILE:LINE:COLUMN: error: ...
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to look at."""
        parser = super().get_parser(prog_name)
        parser.add_argument("folder", metavar="DIR", type=Path, help="folder to look at")
        parser.add_argument(
            "--strict", action="store_true", help="take warnings for errors, also in the exit code"
        )
        parser.add_argument(
            "--partial",
            action="store_true",
            help="what is referred to and not in DIR may be in etcd: warn only",
        )
        parser.set_defaults(formatter=None)
        # cliff's own help names a default that is not ours
        parser._option_string_actions["-f"].help = "print this format instead of lines"
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Look, and print; exit code 1 where there is an error."""
        parsed_args.found = []
        parsed_args.plain = parsed_args.formatter is None
        parsed_args.formatter = parsed_args.formatter or self.formatter_default
        code = super().run(parsed_args)
        failed = any(finding.severity == "error" for finding in parsed_args.found)
        return code or (EXIT_ERROR if failed else EXIT_OK)

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """Every finding as a row."""
        from dataclasses import replace

        from esi_flows.lint.folder import lint
        from esi_flows.model.errors import Severity

        found = lint(parsed_args.folder, catalog=self._catalog, partial=parsed_args.partial)
        if parsed_args.strict:
            found = [replace(finding, severity=Severity.ERROR) for finding in found]
        parsed_args.found = found
        return COLUMNS, [_row(finding) for finding in found]

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> int:
        """A line for each finding, or the format that was asked for."""
        found: list[Finding] = parsed_args.found
        if not parsed_args.plain:
            return super().produce_output(parsed_args, column_names, data)
        for finding in found:
            self.app.stdout.write(f"{plain(finding)}\n")
        self.app.stderr.write(f"{_summary(found)}\n")
        return EXIT_OK

    def _catalog(self) -> ReadCatalog:
        """The catalog to judge a deployment by, as the options say. Raises EsiFlowsError."""
        from esi_flows.catalog.loader import read_catalog
        from esi_flows.cli.services import catalog_folder, load_settings

        given = self.app.options
        return read_catalog(catalog_folder(given, load_settings(given)))


def plain(finding: Finding) -> str:
    """``file:line:column: error: what (hint)``, which editors can jump to."""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{_place(finding)}: {finding.severity}: {finding.what}{hint}"


def _place(finding: Finding) -> str:
    spot = finding.spot
    if spot is None:
        return finding.where
    numbers = [str(number) for number in (spot.line, spot.column) if number]
    return ":".join([spot.file, *numbers])


def _row(finding: Finding) -> tuple[Any, ...]:
    from esi_flows.model.errors import Spot

    spot = finding.spot or Spot(finding.where)
    return (
        spot.file,
        spot.line or None,
        spot.column or None,
        str(finding.severity),
        spot.path,
        finding.what,
        finding.value,
        finding.allowed,
        finding.hint,
    )


def _summary(found: Sequence[Finding]) -> str:
    counts = [
        (sum(finding.severity == kind for finding in found), kind) for kind in ("error", "warning")
    ]
    told = [f"{count} {kind}{'s' if count > 1 else ''}" for count, kind in counts if count]
    return " and ".join(told) or "nothing wrong"
