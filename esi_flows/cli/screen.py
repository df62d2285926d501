"""What output looks like: symbols and colours on a terminal, plain text elsewhere."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

from esi_flows.deployments.progress import Phase

_SYMBOLS = {
    Phase.DONE: ("✔", "+", "green"),
    Phase.RUNNING: ("●", ">", "cyan"),
    Phase.WAITING: ("◷", ".", "yellow"),
    Phase.SUSPENDED: ("‖", "=", "yellow"),
    Phase.IGNORED: ("✖", "x", "yellow"),
    Phase.FAILED: ("✖", "x", "bold red"),
    Phase.REVERTING: ("↺", "<", "magenta"),
    Phase.REVERTED: ("↺", "<", "magenta"),
    Phase.NOT_RUN: ("○", "o", "bright_black"),
    Phase.CANCELLED: ("○", "o", "red"),
}


class Screen:
    """Standard output. ``width`` in columns, by default the terminal's (80 where there is none)."""

    def __init__(self, stream: TextIO, *, quiet: bool = False, width: int | None = None) -> None:
        self.console = Console(file=stream, width=width, highlight=False, soft_wrap=False)
        self.quiet = quiet
        encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "")
        self.ascii = encoding != "utf8"

    @property
    def live(self) -> bool:
        """Whether what was printed can be redrawn."""
        return self.console.is_terminal and not self.console.is_dumb_terminal and not self.quiet

    def line(self, text: str | Text = "", *, always: bool = False) -> None:
        """Print one line as it is, never wrapped; not when quiet unless ``always``."""
        if always or not self.quiet:
            self.console.print(text, markup=False, soft_wrap=True)

    def symbol(self, phase: Phase) -> Text:
        """The sign of a phase; shape and colour say the same."""
        symbol, plain, style = _SYMBOLS[phase]
        return Text(plain if self.ascii else symbol, style=style)

    @property
    def ellipsis(self) -> str:
        """What stands for text that has been cut off."""
        return "..." if self.ascii else "…"


def seconds(value: float) -> str:
    """A duration to read: ``0.04s``, ``2.3s``, ``41s``, ``2m14s``, ``1h02m``."""
    if value < 1:
        return f"{value:.2f}s"
    if value < 9.95:
        return f"{value:.1f}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"
