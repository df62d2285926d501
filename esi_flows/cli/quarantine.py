"""``esi-flows quarantine ...``: documents that cannot be used."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cliff import lister

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_ERROR, EXIT_OK

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.steering.quarantine import Quarantined


class List(Command, lister.Lister):
    """List the documents that cannot be used, and why."""

    need_sort_by_cliff = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """How it is shown."""
        parser = super().get_parser(prog_name)
        parser.set_defaults(fit_width=True)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """A row for each."""
        from esi_flows.steering import quarantine

        with self.open() as services:
            found = quarantine.entries(services.store)
        return ("Key", "Reason", "Hint"), [(q.key, q.reason, q.hint) for q in found]


class _OfOne(Command):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which document."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "key", metavar="KEY|REF", help="key of the document, type:id, or the beginning of an id"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Find it, and do what is asked for."""
        from esi_flows.deployments import lookup
        from esi_flows.steering import quarantine

        with self.open() as services:
            key: str = parsed_args.key
            if not key.startswith("/"):
                resource = lookup.find(services.store, services.catalog, key)
                key = quarantine.key_of(services.store, services.catalog, resource)
            return self.act(services, quarantine.find(services.store, key))

    def act(self, services: Services, found: Quarantined) -> int:
        raise NotImplementedError


class Show(_OfOne):
    """Show why a document cannot be used, and the document, with secrets masked."""

    def act(self, services: Services, found: Quarantined) -> int:
        """Print it."""
        from esi_flows.cli.get import document_text
        from esi_flows.model.secrets import Names

        out = self.app.stdout
        out.write(f"Key         {found.key}\nReason      {found.reason}\n")
        if found.hint:
            out.write(f"Hint        {found.hint}\n")
        document = services.store.get(found.key)
        if document is not None:
            secrets = {name for t in services.catalog.types.values() for name in t.secrets}
            out.write(f"{document_text(document.value, Names(secrets))}\n")
        self.screen().line(f"next: {self.again('quarantine requeue', found.key)}")
        return EXIT_OK


class Requeue(_OfOne):
    """Have a document looked at again, for example after the catalog was mended."""

    def act(self, services: Services, found: Quarantined) -> int:
        """Take its entry away; the conductor that reads does the rest."""
        from esi_flows.model.errors import InvalidInput
        from esi_flows.steering import quarantine
        from esi_flows.steering.people import who

        if not quarantine.requeue(services.store, found, by=who()):
            raise InvalidInput(
                f"{found.key} has just changed", hint=self.again("quarantine show", found.key)
            )
        self.screen().line(f"{found.key} is looked at again.")
        self.screen().line(f"next: {self.again('quarantine list')}")
        return EXIT_OK


class Drop(_OfOne):
    """Remove a document that cannot be used, for good."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which one, and that it is meant."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--yes", action="store_true", help="do it: the document is gone then")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Ask for --yes, then remove it."""
        if not parsed_args.yes:
            self.app.stderr.write(
                f"error: {parsed_args.key} would be removed for good\n"
                f"next: {self.again('quarantine drop', parsed_args.key, '--yes')}\n"
            )
            return EXIT_ERROR
        return super().take_action(parsed_args)

    def act(self, services: Services, found: Quarantined) -> int:
        """Remove document and entry, as one."""
        from esi_flows.steering import quarantine
        from esi_flows.steering.people import who

        quarantine.drop(services.store, found, by=who())
        self.screen().line(f"{found.key} is removed.")
        return EXIT_OK
