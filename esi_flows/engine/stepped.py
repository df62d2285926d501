"""One engine among many in one thread, with durable points where effects leave the process."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from taskflow import states

from esi_flows.engine.executor import StepExecutor
from esi_flows.engine.fenced import FencedWriter
from esi_flows.engine.loop import FlowLoop
from esi_flows.engine.steps import TaskRun
from esi_flows.model.errors import EsiFlowsError, HandlerTimeout

LOG = logging.getLogger(__name__)

LINGER_SECONDS = 0.02
"""How long ended tasks may stay unrecorded while others run and nothing new can start: so that many
that end at about the same time cost one write. A crash in that time is as one before their end."""


class SteppedEngine:
    """Steps a TaskFlow engine through its ``run_iter``; everything here runs in the loop's thread.

    The engine is stepped until it would wait. What it scheduled is let out once everything it wrote
    so far is durable; when a task has ended, it is stepped again.
    """

    def __init__(
        self,
        engine: Any,
        steps: StepExecutor,
        writer: FencedWriter,
        *,
        loop: FlowLoop,
        on_end: Callable[[Exception | None], None],
    ) -> None:
        """``on_end`` is called once: with what the engine raised, or what it was stopped by."""
        self._steps = steps
        self._writer = writer
        self._loop = loop
        self._on_end = on_end
        self._states: Generator[str, None, None] = engine.run_iter()
        self._is_waiting = False
        self._is_lingering = False
        self._is_over = False

    def start(self) -> None:
        """Begin."""
        self._advance()

    def look(self) -> None:
        """A task may have ended, or the executor may have been interrupted."""
        if self._is_over:
            return
        if self._steps.stopped_by is not None:
            self._stop()
        elif self._is_waiting and self._steps.has_ended:
            self._advance()

    def _advance(self) -> None:
        self._is_waiting = False
        try:
            while next(self._states) != states.WAITING or not self._must_wait():
                pass
        except StopIteration:
            self._end(None)
        except Exception as error:  # noqa: BLE001 - the engine's end, told to who asked for it
            self._end(error)

    def _must_wait(self) -> bool:
        """Whether the engine has to be left alone until something has happened."""
        if self._steps.stopped_by is not None:
            self._loop.call(self.look)
            return True
        if self._steps.has_scheduled:
            self._writer.send(lambda error: self._loop.call(self._release, error))
            return True
        if self._steps.has_ended or not self._steps.is_busy:
            return False
        self._is_waiting = True
        if not self._is_lingering and self._writer.is_dirty:
            self._is_lingering = True
            self._loop.after(LINGER_SECONDS, self._record)
        return True

    def _release(self, error: EsiFlowsError | None) -> None:
        """What was scheduled is durable, or never will be."""
        if error is not None:
            self._steps.interrupt(error)
        if self._is_over or self._steps.stopped_by is not None:
            return
        for run in self._steps.release():
            if run.timeout_seconds:
                timer = self._loop.after(run.timeout_seconds, partial(_give_up, run))
                run.stop_clock = partial(self._loop.forget, timer)
        self._is_waiting = True
        self.look()

    def _record(self) -> None:
        self._is_lingering = False
        if self._is_waiting and not self._is_over:
            self._writer.send(self._recorded)

    def _recorded(self, error: EsiFlowsError | None) -> None:
        if error is not None:
            self._steps.interrupt(error)

    def _stop(self) -> None:
        """End once no step is under way: whoever goes on must not meet one of ours outside."""
        if not self._steps.is_quiet:
            return
        reason = self._steps.stopped_by
        # run_iter goes on when it is closed, and meets the reason where it would wait; where all is
        # over already, it raises what the tasks did, of any kind
        with contextlib.suppress(Exception):
            self._states.close()
        self._end(reason)

    def _end(self, error: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._steps.stop_clocks()
            self._on_end(error)


def _give_up(run: TaskRun) -> None:
    if not run.future.done():
        text = f"job {run.name} was not done after {run.timeout_seconds:g} s"
        run.throw(HandlerTimeout(text, hint="give it more time, or see what it waits for"))
