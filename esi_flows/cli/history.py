"""``esi-flows history ...``: how groups went that have ended."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliff import lister

from esi_flows.cli.base import Command
from esi_flows.cli.errors import EXIT_OK

if TYPE_CHECKING:
    from esi_flows.history.courses import Course

COLUMNS = ("Course", "Action", "State", "Ended", "Took", "Attempts", "Pinned", "Error")
NEWEST = 50


class List(Command, lister.Lister):
    """List the courses of ended groups, the newest first."""

    need_sort_by_cliff = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which ones."""
        parser = super().get_parser(prog_name)
        _add_ref(parser, nargs="?")
        parser.add_argument(
            "--limit",
            metavar="N",
            type=_count,
            default=NEWEST,
            help=f"how many, the newest; 0: all ({NEWEST})",
        )
        parser.add_argument("--failed", action="store_true", help="only what did not end well")
        parser.set_defaults(fit_width=True)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """A row for each course."""
        from esi_flows.history import courses
        from esi_flows.model.groups import GroupState

        with self.open() as services:
            if parsed_args.ref is None:
                found = courses.below(services.store)
            else:
                found = courses.find(services.store, parsed_args.ref)
        if parsed_args.failed:
            found = [c for c in found if c.record.state is not GroupState.SUCCESS]
        return COLUMNS, [_row(course) for course in found[: parsed_args.limit or None]]


class Show(Command):
    """Show how a group went: who ran it, each order and each job, with their times."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which one, and how."""
        parser = super().get_parser(prog_name)
        _add_ref(parser)
        parser.add_argument(
            "-f", choices=("text", "json"), default="text", dest="format", help="output format"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Print the newest course that is meant."""
        from esi_flows.cli.course_text import course_lines
        from esi_flows.history import courses
        from esi_flows.history.export import line

        with self.open() as services:
            found = courses.find(services.store, parsed_args.ref)
        if parsed_args.format == "json":
            self.app.stdout.write(f"{line(found[0])}\n")
            return EXIT_OK
        screen = self.screen()
        for text in course_lines(screen, found[0]):
            screen.line(text, always=True)
        if len(found) > 1:
            resource = found[0].record.resource
            screen.line(f"next: {self.again('history list', resource)} has {len(found) - 1} more")
        return EXIT_OK


class Export(Command):
    """Write courses to a file, one JSON object a line, the newest first."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which ones, and where to."""
        parser = super().get_parser(prog_name)
        _add_ref(parser, nargs="?")
        parser.add_argument(
            "--out",
            metavar="FILE",
            type=Path,
            required=True,
            help="file to write, which is not there",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Write all of them or nothing."""
        from esi_flows.history import courses
        from esi_flows.history.export import export

        with self.open() as services:
            if parsed_args.ref is None:
                found = courses.below(services.store)
            else:
                found = courses.find(services.store, parsed_args.ref)
        count = export(parsed_args.out, found)
        self.screen().line(f"wrote {count} courses to {parsed_args.out}")
        return EXIT_OK


class Pin(Command):
    """Keep a course however old it becomes."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which one, and why."""
        parser = super().get_parser(prog_name)
        _add_ref(parser)
        parser.add_argument("--reason", metavar="TEXT", default="", help="why, to be recorded")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Pin the newest course that is meant; done already is as well."""
        from esi_flows.history import courses
        from esi_flows.steering.people import who

        with self.open() as services:
            course = courses.find(services.store, parsed_args.ref)[0]
            is_new = courses.pin(
                services.store, course, by=who(), at=time.time(), reason=parsed_args.reason
            )
        self.screen().line(
            f"{course.id} is pinned." if is_new else f"{course.id} was pinned already."
        )
        return EXIT_OK


class Unpin(Command):
    """Let a pinned course grow old as the others."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Which one."""
        parser = super().get_parser(prog_name)
        _add_ref(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Unpin every course that is meant."""
        from esi_flows.history import courses

        with self.open() as services:
            found = courses.find(services.store, parsed_args.ref)
            unpinned = [course.id for course in found if courses.unpin(services.store, course)]
        for name in unpinned:
            self.screen().line(f"{name} is not pinned any more.")
        if not unpinned:
            self.screen().line(f"No course of {found[0].record.resource} was pinned.")
        return EXIT_OK


class Prune(Command):
    """Remove courses now that are too old or too many; conductors do it now and then."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What to keep."""
        parser = super().get_parser(prog_name)
        parser.add_argument("--days", metavar="N", type=_days, help="keep those of N days")
        parser.add_argument("--count", metavar="N", type=_count, help="keep the newest N")
        parser.add_argument("--dry-run", action="store_true", help="only say how many would go")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Remove them a few at a time; pinned ones stay."""
        from esi_flows.history.retention import Keep, outdated, prune

        with self.open() as services:
            conf, days, count = services.conf.history, parsed_args.days, parsed_args.count
            if days is None and count is None:
                keep = Keep(days=conf.keep_days, count=conf.keep_count)
            else:
                keep = Keep(days=days or 0.0, count=count or 0)
            old = outdated(services.store, keep, time.time())
            removed = 0 if parsed_args.dry_run else prune(services.store, old)
        if parsed_args.dry_run:
            self.screen().line(f"{len(old)} courses would be removed.")
        else:
            self.screen().line(f"{removed} courses were removed.")
        return EXIT_OK


def _add_ref(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    parser.add_argument(
        "ref",
        metavar="REF",
        nargs=nargs,
        help="type:id, type:id:version, a course as listed, or the beginning of an id",
    )


def _count(text: str) -> int:
    if (value := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def _days(text: str) -> float:
    if not 0 < (value := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _row(course: Course) -> tuple[Any, ...]:
    from esi_flows.cli.course_text import when
    from esi_flows.cli.screen import seconds

    record = course.record
    return (
        course.id,
        record.action.value,
        record.state.value,
        when(record.ended_at),
        seconds(max(0.0, record.ended_at - record.posted_at)),
        record.attempts,
        course.pinned,
        record.error,
    )
