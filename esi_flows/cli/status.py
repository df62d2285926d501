"""``esi-flows status``: all resources, failures first; or everything about one."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cliff import lister

from esi_flows.cli.base import Command
from esi_flows.deployments.progress import Phase

if TYPE_CHECKING:
    from esi_flows.deployments.progress import ResourceProgress

COLUMNS = ("Resource", "Version", "Phase", "State", "Jobs", "Error")


class Status(Command, lister.Lister):
    """List all resources, failures first; or show one with its jobs, outputs and monitoring."""

    need_sort_by_cliff = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which resource."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "ref", metavar="REF", nargs="?", help="type:id, or the beginning of an id"
        )
        parser.add_argument(
            "--show-secrets", action="store_true", help="do not mask passwords and the like"
        )
        parser.set_defaults(fit_width=True)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """The rows of the list, or the fields of one resource."""
        from esi_flows.cli import overview
        from esi_flows.deployments import lookup

        with self.open() as services:
            store, catalog = services.store, services.catalog
            if parsed_args.ref is None:
                from esi_flows.steering.service import paused

                board = overview.board_of_all(store, catalog)
                resources = sorted(board.resources.values(), key=_urgency)
                if parsed_args.formatter == "table" and not parsed_args.columns and resources:
                    parsed_args.picture = overview.Overview(board, resources, paused(store))
                    return (), ()
                return COLUMNS, [_row(progress) for progress in resources]
            resource = lookup.find(store, catalog, parsed_args.ref)
            picture = overview.picture(
                store, catalog, resource, show_secrets=parsed_args.show_secrets
            )
        if parsed_args.formatter == "table" and not parsed_args.columns:
            parsed_args.picture = picture
            return (), ()
        fields = picture.fields()
        parsed_args.one = True
        return tuple(fields), tuple(fields.values())

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> int:
        """Print a tree, or what the format says."""
        picture = getattr(parsed_args, "picture", None)
        if picture is not None:
            for line in picture.lines(self.screen(), self.again):
                self.screen().line(line, always=True)
            return 0
        if parsed_args.ref is None and not data and parsed_args.formatter == "table":
            self.screen().line("There are no resources in the store.", always=True)
            self.screen().line(f"next: {self.again('run', 'DIR')}")
            return 0
        if getattr(parsed_args, "one", False):
            return self._produce_one(parsed_args, column_names, data)
        return super().produce_output(parsed_args, column_names, data)

    def _produce_one(
        self, parsed_args: argparse.Namespace, names: Sequence[str], values: Sequence[Any]
    ) -> int:
        from stevedore.extension import ExtensionManager

        formatters: ExtensionManager[Any] = ExtensionManager(
            "cliff.formatter.show", invoke_on_load=True
        )
        if parsed_args.formatter not in formatters.names():
            return super().produce_output(parsed_args, names, [values])
        chosen, selector = self._generate_columns_and_selector(parsed_args, names)
        shown = list(self._compress_iterable(values, selector)) if selector else values
        formatter = formatters[parsed_args.formatter].obj
        assert formatter is not None  # they are made on loading
        formatter.emit_one(chosen, shown, self.app.stdout, parsed_args)
        return 0


def _urgency(progress: ResourceProgress) -> tuple[int, str]:
    """Failures first, what was cancelled for them after them; what is under way; what is done."""
    if progress.phase.bad:
        return int(progress.phase is Phase.CANCELLED), str(progress.resource)
    return (3 if progress.ended else 2), str(progress.resource)


def _row(progress: ResourceProgress) -> tuple[Any, ...]:
    done = sum(job.ended_at > 0 or job.phase.value == "done" for job in progress.jobs)
    return (
        str(progress.resource),
        progress.followed.version,
        progress.phase.value,
        progress.worker_state,
        f"{done}/{len(progress.jobs)}" if progress.jobs else "",
        progress.error,
    )
