"""``esi-flows catalog ...``: make a catalog from gohan's schemas, and schemas for editors."""

from __future__ import annotations

import argparse
from pathlib import Path

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK


class Import(Command):
    """Write a catalog folder from the schema list of a gohan.

    Templates are not part of that list. gohan keeps them in etcd, and conductors put those over the
    templates of the catalog's folder.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """From where, and where to."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--gohan",
            metavar="URL|FILE",
            required=True,
            help="URL of gohan or of its schema list (token in OS_TOKEN), or a file with it",
        )
        parser.add_argument(
            "--out", metavar="DIR", type=Path, required=True, help="folder to write resources/ to"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Read everything, then write everything or nothing."""
        from esi_flows.catalog.fetch import get_schemas
        from esi_flows.catalog.gohan import read_schemas
        from esi_flows.catalog.writer import write_catalog

        imported = read_schemas(parsed_args.gohan, get_schemas(parsed_args.gohan))
        write_catalog(parsed_args.out, imported.types)
        screen = self.screen()
        for text in imported.left_out:
            screen.line(f"left out  {text}")
        screen.line(f"wrote {len(imported.types)} resource types to {parsed_args.out}/resources")
        screen.line(f"next: esi-flows lint --partial {parsed_args.out}")
        return EXIT_OK


class Schemas(Command):
    """Write JSON Schemas of the files of a catalog and its deployments, for editors."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Where to."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--out", metavar="DIR", type=Path, required=True, help="folder to write the schemas to"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Write them, over what is there."""
        from esi_flows.catalog.editors import write_schemas
        from esi_flows.cli.services import open_catalog

        for path in write_schemas(parsed_args.out, open_catalog(self.app.options)):
            self.screen().line(str(path))
        return EXIT_OK
