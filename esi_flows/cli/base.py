"""What all commands share: errors become an exit code, output goes where it should."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliff import command

from esi_flows.cli import interrupts
from esi_flows.cli.errors import report, tell_usage_errors
from esi_flows.cli.options import repeat_options
from esi_flows.model.errors import EsiFlowsError

if TYPE_CHECKING:
    from esi_flows.cli.screen import Screen
    from esi_flows.cli.services import Services


_NAME = "esi-flows"


class Command(command.Command):
    """A command of ours."""

    app_dist_name = "esi-flows"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options of the command; what is wrong with them is told as all errors are."""
        return tell_usage_errors(super().get_parser(prog_name))

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run the command; the exit code."""
        interrupts.in_order()
        try:
            return int(super().run(parsed_args))
        except EsiFlowsError as error:
            return report(error, self.app.stderr, debug=self.app.options.debug)
        except KeyboardInterrupt:
            self.app.stderr.write(interrupts.MESSAGE)
            return interrupts.EXIT_INTERRUPTED

    def get_epilog(self) -> str:
        """Where the options of every command are described."""
        return "Which store and catalog to use: see the options in esi-flows --help."

    def open(self) -> AbstractContextManager[Services]:
        """Store and catalog, as the options say. Raises EsiFlowsError."""
        from esi_flows.cli import services

        return services.open_services(self.app.options)

    def screen(self) -> Screen:
        """Where to print."""
        from esi_flows.cli.screen import Screen

        return Screen(self.app.stdout, quiet=self.app.options.verbose_level == 0)

    def again(self, *words: Any) -> str:
        """A command line for the user to type next, on the same store and catalog."""
        return " ".join([called(), *map(str, words), *repeat_options(self.app.options)])


def called() -> str:
    """How to call us again: by the path that was typed, where the name alone finds another one."""
    typed = Path(sys.argv[0])
    if typed.name != _NAME or not typed.is_file():
        return _NAME
    found = shutil.which(_NAME)
    same = found is not None and typed.samefile(found)
    return _NAME if same else shlex.quote(str(typed))
