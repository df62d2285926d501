"""Progress as a tree that is redrawn in place."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Group, RenderableType
from rich.live import Live

from esi_flows.cli.lines import LineLog
from esi_flows.cli.screen import Screen
from esi_flows.cli.tree import live_lines
from esi_flows.deployments.board import Board
from esi_flows.deployments.progress import ResourceProgress

REDRAWS_PER_SECOND = 8


class Display(Protocol):
    """Shows a board while it changes."""

    def show(self, board: Board, moved: Sequence[ResourceProgress]) -> None:
        """Some resources have moved."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the screen in order."""


def display(screen: Screen) -> Display:
    """A tree on a terminal, lines elsewhere."""
    return _Tree(screen) if screen.live else _Log(screen)


class _Tree:
    """The whole board, redrawn; it goes when it ends, the results are printed then."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._board: Board | None = None
        self._live = Live(
            get_renderable=self._render,
            console=screen.console,
            refresh_per_second=REDRAWS_PER_SECOND,
            transient=True,
        )

    def show(self, board: Board, moved: Sequence[ResourceProgress]) -> None:
        # the drawing thread reads the board when it is next due
        self._board = board

    def _render(self) -> RenderableType:
        board = self._board
        if board is None:
            return ""
        resources = list(board.resources.values())
        height = max(4, self._screen.console.height - 2)
        lines = live_lines(self._screen, board, resources, now=time.time(), height=height)
        return Group(*lines)

    def __enter__(self) -> Self:
        self._live.start(refresh=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()


class _Log(LineLog):
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass
