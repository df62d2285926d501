"""The application: global options, the list of commands, logging."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from cliff.app import App
from cliff.commandmanager import CommandManager

from esi_flows import __version__
from esi_flows.cli import options
from esi_flows.cli.errors import EXIT_ERROR, report, tell_usage_errors
from esi_flows.model.errors import EsiFlowsError, InvalidInput

DESCRIPTION = "Deploy intents from etcd to OpenStack Heat, durably."


class EsiFlows(App):
    """The ``esi-flows`` command."""

    NAME = "esi-flows"

    def __init__(self) -> None:
        super().__init__(
            description=DESCRIPTION,
            version=__version__,
            command_manager=CommandManager("esi_flows.cli"),
            deferred_help=True,
        )
        # cliff's interactive shell and completion are not ours to promise
        self.command_manager.commands.pop("complete", None)

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, Any] | None = None,
    ) -> argparse.ArgumentParser:
        """The options of every command; they may stand before or after its name."""
        kwargs = {"prog": self.NAME, "allow_abbrev": False, **(argparse_kwargs or {})}
        parser = super().build_option_parser(description, version, kwargs)
        options.add_store_options(parser)
        return tell_usage_errors(parser)

    def configure_logging(self) -> None:
        """Warnings to stderr, more with ``-v``."""
        root = logging.getLogger()
        level = {0: logging.ERROR, 1: logging.WARNING, 2: logging.INFO}
        console = _Stderr()
        console.setLevel(level.get(self.options.verbose_level, logging.DEBUG))
        console.setFormatter(_Lines())
        root.addHandler(console)
        root.setLevel(console.level)
        # it would write out what is sent to Heat, and the passwords in it
        logging.getLogger("keystoneauth").setLevel(logging.INFO)

    def interact(self) -> None:
        """No command given: say what there is."""
        self.options.deferred_help = True
        self.print_help_if_requested()

    def run_subcommand(self, argv: list[str]) -> int:
        """Run one command. Raises InvalidInput where there is none of that name."""
        self._log_to_file()
        try:
            self.command_manager.find_command(argv)
        except ValueError:
            near = self.get_fuzzy_matches(argv[0])
            raise InvalidInput(
                f"{argv[0]!r} is not a command",
                hint=f"did you mean {' or '.join(near)}? esi-flows --help lists all",
            ) from None
        return super().run_subcommand(argv)

    def _log_to_file(self) -> None:
        """Everything from INFO up to ``--log-file``. Raises InvalidInput."""
        if not self.options.log_file:
            return
        written = _log_file(self.options.log_file)
        written.setFormatter(logging.Formatter(self.LOG_FILE_MESSAGE_FORMAT))
        root = logging.getLogger()
        root.addHandler(written)
        root.setLevel(min(root.level, logging.INFO))


def _log_file(name: str) -> logging.Handler:
    try:
        return logging.FileHandler(name)
    except OSError as error:
        raise InvalidInput(
            f"the log {name} cannot be written: {error.strerror}",
            hint="name another file with --log-file",
        ) from error


class _Stderr(logging.StreamHandler[TextIO]):
    """Standard error as it is at the moment: a live display puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Lines(logging.Formatter):
    """``warning: message (field=value ...)``: what was logged with ``extra`` is shown too."""

    _KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        fields = {n: v for n, v in vars(record).items() if n not in self._KNOWN}
        shown = " ".join(f"{name}={value}" for name, value in fields.items())
        text = super().format(record)
        return f"{record.levelname.lower()}: {text}" + (f" ({shown})" if shown else "")


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        return int(EsiFlows().run(list(arguments)))
    except EsiFlowsError as error:
        return report(error, sys.stderr, debug="--debug" in arguments)
    except BrokenPipeError:
        # whoever read our output has gone; nothing more may be written, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except SystemExit as stop:
        # argparse says 2 for bad usage, which is "a job failed" here
        return EXIT_ERROR if stop.code else 0
    finally:
        _restore(root, before, level)


def _restore(root: logging.Logger, handlers: list[logging.Handler], level: int) -> None:
    for handler in [h for h in root.handlers if h not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
