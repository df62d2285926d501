"""One job as one TaskFlow task."""

from __future__ import annotations

import logging
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from esi_flows.engine import outcomes
from esi_flows.engine.mended.task import LeanTask
from esi_flows.handlers.base import Handler, Outcome, Run, Steps
from esi_flows.model import codec, keys
from esi_flows.model.errors import Cancelled, EsiFlowsError, HandlerError
from esi_flows.model.jobs import Job, OnFailure
from esi_flows.model.secrets import Names

LOG = logging.getLogger(__name__)

MAX_RESULT_BYTES = 400 * 1024
"""What a job may bring, as JSON: it is stored, published and kept for a revert, at once."""

_FORBIDDEN = (
    keys.CLAIMS,
    keys.CONDUCTORS,
    keys.GROUPS,
    keys.JOBS,
    keys.MARKERS,
    keys.PERSISTENCE,
)
"""Where no handler may write: what says who runs what, and how far it has come."""

ResultSteps = Generator["Future[Any]", Any, dict[str, Any]]

E = TypeVar("E", bound=BaseException)


class HandlerTask(LeanTask):
    """Runs a job's handler; named by the job's id, so that any process finds its atom again."""

    def __init__(
        self,
        job: Job,
        handler: Handler,
        run: Run,
        *,
        keeps: bool = False,
        timeout_seconds: float = 0.0,
    ) -> None:
        """``keeps``: a revert leaves standing what the job made, and says so; ``timeout_seconds``:
        an execution or reversion that takes longer has failed (0: it may take any time).
        """
        super().__init__(job.id)
        self.job = job
        self.timeout_seconds = timeout_seconds
        self._handler = handler
        self._run = run
        self._keeps = keeps

    def execute(self) -> dict[str, Any]:
        """Run to the end in this thread: what engines do that do not know steps."""
        return drive(self.execute_steps())

    def revert(self, result: Any, **_: Any) -> dict[str, Any]:
        """Undo to the end in this thread."""
        return drive(self.revert_steps(result))

    def execute_steps(self) -> ResultSteps:
        """The handler's run, its failure ignored where the job says so. Raises HandlerError."""
        try:
            outcome = yield from self._handler.execute(self.job, self._run)
            _check(outcome)
        except Cancelled:
            raise  # no failure of the job's, so nothing to ignore
        except Exception as error:  # noqa: BLE001 - its words are the job's result
            text = self._describe(error)
            if self.job.on_failure is not OnFailure.IGNORE:
                # as one that can be stored: exceptions of clients hold responses and locks
                raise HandlerError(text) from _fit_to_show(error, text)
            LOG.warning(
                "job failed, which its group ignores",
                extra={"job": self.job.id, "error": text},
            )
            outcome = Outcome(error=text)
        return outcomes.to_result(outcome)

    def revert_steps(self, result: Any) -> ResultSteps:
        """Undo; a failure to undo is returned as data.

        A revert that raised would end TaskFlow's whole reversion on the spot and leave what came
        before it standing.
        """
        done = outcomes.from_result(result)
        try:
            outcome = yield from self._undo(done)
            _check(outcome)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            text = self._describe(error)
            expected = isinstance(error, EsiFlowsError)
            LOG.error(
                "job could not be undone",
                extra={"job": self.job.id, "error": text},
                exc_info=None if expected else _fit_to_show(error, text),
            )
            outcome = Outcome(error=text)
        return outcomes.to_result(outcome)

    def _describe(self, error: BaseException) -> str:
        """The error in words fit for ``/state``: ours as they are, others with their type.

        Without the job's secrets, which the outside world may well repeat.
        """
        is_ours = isinstance(error, EsiFlowsError)
        text = str(error) if is_ours else f"{type(error).__name__}: {error}"
        known = self._run.catalog.types.get(self.job.resource_type)
        names = Names(known.secrets if known is not None else ())
        params = [parameter.to_json() for parameter in self.job.params]
        return names.mask_in(text, self.job.resource_input, params)

    def _undo(self, done: Outcome | None) -> Steps:
        if done is not None and done.error:
            return Outcome()  # it had failed, which was ignored: there is nothing of it
        if self._keeps:
            return Outcome(error="kept, as it is set for these jobs")
        return (yield from self._handler.revert(self.job, self._run, done))


def _check(outcome: Outcome) -> None:
    """Raises HandlerError for what could not be stored: the job has failed, not its group."""
    if not isinstance(outcome, Outcome):
        raise HandlerError(f"the handler returned {type(outcome).__name__}, it must be an Outcome")
    for write in outcome.writes:
        _check_key(write.key)
    try:
        raw = codec.dumps(outcomes.to_result(outcome))
        # whoever resumes has to read it: no NaN, and not nested too deeply
        codec.parse(raw)
    except (TypeError, ValueError, RecursionError) as error:
        raise HandlerError(f"the handler brought something that is no JSON: {error}") from error
    if len(raw) > MAX_RESULT_BYTES:
        raise HandlerError(f"the handler brought {len(raw)} bytes, {MAX_RESULT_BYTES} can be kept")


def _check_key(key: Any) -> None:
    """Raises HandlerError for a key that etcd would refuse, or that is not for handlers."""
    if not isinstance(key, str) or not key.startswith("/") or not key.isprintable():
        raise HandlerError(f"the handler writes {key!r}, which is no key", hint="keys begin with /")
    if key.startswith(_FORBIDDEN):
        raise HandlerError(f"the handler writes {key!r}, which is not for handlers to write")


def drive(steps: ResultSteps) -> dict[str, Any]:
    """Run steps to their end, waiting in this thread."""
    answer: Any = None
    while True:
        try:
            awaited = steps.send(answer)
        except StopIteration as end:
            return dict(end.value)
        answer = awaited.result()


def _fit_to_show(error: E, text: str) -> E | None:
    """The error itself, for a traceback, unless that says more than ``text`` does."""
    return error if str(error) in text else None
