"""``esi-flows plan``: what running a folder would do, or what becomes of a resource."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliff import lister

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_ERROR, EXIT_OK

if TYPE_CHECKING:
    from esi_flows.cli.services import Services
    from esi_flows.planning.types import Change
    from esi_flows.planning.types import Plan as Planned

EXIT_CHANGES = 2
COLUMNS = ("Step", "Change", "Resource", "Version", "Jobs", "Waits for", "Seconds", "Note")


class Plan(Command, lister.Lister):
    """Show what running a folder of intents would do, and change nothing.

    With REF: what becomes of a resource that is in the store. Nothing is written, here or in etcd.
    """

    need_sort_by_cliff = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to plan."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "target",
            metavar="DIR|REF",
            help="folder of intents; or type:id, or the beginning of an id",
        )
        parser.add_argument(
            "--delete", action="store_true", help="what deleting the resource REF would do"
        )
        parser.add_argument(
            "--full",
            action="store_true",
            help="also parameters and templates of what is new, whole names, what stays as it is",
        )
        parser.add_argument(
            "--detailed-exitcode",
            action="store_true",
            help="0: nothing to do, 2: there are changes, 1: an error",
        )
        parser.add_argument(
            "--out", metavar="FILE", type=Path, help="save the plan, for run --plan FILE"
        )
        parser.set_defaults(fit_width=True)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Plan and print; 1 where an intent is refused."""
        code = super().run(parsed_args)
        plan: Planned | None = getattr(parsed_args, "plan", None)
        if code != EXIT_OK or plan is None:
            return code
        if plan.refused:
            return EXIT_ERROR
        return EXIT_CHANGES if parsed_args.detailed_exitcode and not plan.does_nothing else EXIT_OK

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """One row per change."""
        with self.open() as services:
            plan = self._plan(parsed_args, services)
        parsed_args.plan = plan
        return COLUMNS, [_row(step.name, change) for step in plan.steps for change in step.changes]

    def _plan(self, parsed_args: argparse.Namespace, services: Services) -> Planned:
        from esi_flows.deployments import lookup
        from esi_flows.deployments.loader import load_deployment
        from esi_flows.model.errors import InvalidInput
        from esi_flows.planning.planner import plan_deployment, plan_resource

        target, store, catalog = parsed_args.target, services.store, services.catalog
        if _is_path(target):
            if parsed_args.delete:
                raise InvalidInput("--delete is for one resource", hint="give REF, not a folder")
            return plan_deployment(store, catalog, load_deployment(Path(target), catalog))
        resource = lookup.find(store, catalog, target)
        return plan_resource(store, catalog, resource, delete=parsed_args.delete)

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> int:
        """Print text for people, the whole plan for programs, or rows as cliff does; then save."""
        self._print(parsed_args, column_names, data)
        if parsed_args.out is not None:
            from esi_flows.planning import saved

            saved.save(parsed_args.plan, parsed_args.out)
            words = ("run", "--plan", shlex.quote(str(parsed_args.out)))
            self.app.stdout.flush()
            self.app.stderr.write(f"next: {self.again(*words)}\n")
        return EXIT_OK

    def _print(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str], data: Any
    ) -> None:
        from esi_flows.cli.plan_text import PlanText
        from esi_flows.planning.document import plan_document

        plan: Planned = parsed_args.plan
        if parsed_args.columns or parsed_args.formatter not in ("table", "json", "yaml"):
            super().produce_output(parsed_args, column_names, data)
        elif parsed_args.formatter == "table":
            screen = self.screen()
            for line in PlanText(screen, plan, full=parsed_args.full).lines():
                screen.line(line, always=True)
        else:
            dump(parsed_args.formatter, plan_document(plan), self.app.stdout)


def dump(form: str, document: Any, stream: Any) -> None:
    """Write a document as ``json`` or ``yaml``."""
    if form == "json":
        import json

        json.dump(document, stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    else:
        import yaml

        yaml.safe_dump(document, stream, sort_keys=False, allow_unicode=True)


def _is_path(target: str) -> bool:
    return Path(target).exists() or "/" in target or target in (".", "..")


def _row(step: str, change: Change) -> tuple[Any, ...]:
    return (
        step,
        change.kind.value,
        str(change.resource),
        change.version,
        ", ".join(job.name for job in change.jobs),
        ", ".join(wait.group for wait in change.waits),
        "" if change.seconds is None else round(change.seconds, 2),
        change.note,
    )
