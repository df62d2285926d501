"""``esi-flows get``: look at any document of the store."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import TYPE_CHECKING, Any

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_ERROR, EXIT_OK

if TYPE_CHECKING:
    from esi_flows.model.secrets import Names
    from esi_flows.store.base import KeyValue


class Get(Command):
    """Show the document under a key of the store, or all below a prefix."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which key."""
        parser = super().get_parser(prog_name)
        parser.add_argument("key", metavar="KEY", help="such as /state/v2.0/ports/<id>")
        parser.add_argument("--prefix", action="store_true", help="all keys below KEY")
        parser.add_argument("--keys-only", action="store_true", help="print no values")
        parser.add_argument(
            "--show-secrets", action="store_true", help="do not mask passwords and the like"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Read and print."""
        from esi_flows.model.errors import InvalidInput
        from esi_flows.model.secrets import Names

        key: str = parsed_args.key
        if not key.startswith("/"):
            raise InvalidInput(f"key {key!r} does not start with '/'", hint=f"/{key} ?")
        with self.open() as services:
            declared = {name for t in services.catalog.types.values() for name in t.secrets}
            if parsed_args.prefix:
                items = services.store.range(f"{key.rstrip('/')}/").items
            else:
                found = services.store.get(key)
                items = (found,) if found is not None else ()
        if not items:
            folder = key.rstrip("/").rpartition("/")[0] or "/"
            again = self.again("get --prefix --keys-only", shlex.quote(folder))
            hint = "" if parsed_args.prefix else f"next: {again}\n"
            self.app.stderr.write(f"error: nothing under {key}\n{hint}")
            return EXIT_ERROR
        names = None if parsed_args.show_secrets else Names(declared)
        for item in items:
            self._print(item, names, parsed_args)
        return EXIT_OK

    def _print(self, item: KeyValue, names: Names | None, parsed_args: argparse.Namespace) -> None:
        if parsed_args.prefix or parsed_args.keys_only:
            self.app.stdout.write(f"{item.key}\n")
        if not parsed_args.keys_only:
            self.app.stdout.write(f"{document_text(item.value, names)}\n")


def document_text(raw: bytes, names: Names | None) -> str:
    """A document to read; what is not JSON is shown as the text it is."""
    try:
        document: Any = json.loads(raw)
    except ValueError:
        return raw.decode(errors="backslashreplace")
    shown = document if names is None else names.mask(document)
    return json.dumps(shown, indent=2, ensure_ascii=False)
