"""Handlers whose runs workers make: the conductor's side."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Generator
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from taskflow.types import failure

from esi_flows.engine import outcomes
from esi_flows.handlers.base import Errands, Outcome, Run, Steps
from esi_flows.model.errors import EsiFlowsError, HandlerError
from esi_flows.model.jobs import Job
from esi_flows.worker.errand import Answer, errand_of
from esi_flows.worker.wire import ErrandTask, RemoteExecutor, is_untaken

LOG = logging.getLogger(__name__)

BEAT = "beat"
"""The event by which a worker tells that it is at an errand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """``take_seconds``: after this an errand that no worker has begun is sent again;
    ``wait_seconds``: and after this, in all, its job has failed; ``lost_seconds``: a worker not
    heard of for so long is lost.
    """

    take_seconds: float = 60.0
    wait_seconds: float = 600.0
    lost_seconds: float = 20.0


@dataclass(eq=False, slots=True)
class Call:
    """One errand under way. ``end`` never raises: untaken and lost are answers that stopped."""

    id: str
    end: Future[Answer] = field(default_factory=Future)
    heard: float = 0.0
    """When the worker was last heard of; 0: never."""

    def finish(self, answer: Answer) -> None:
        """Tell, unless it is known already or nobody wants to know."""
        try:
            self.end.set_result(answer)
        except InvalidStateError:
            LOG.debug("late answer ignored", extra={"errand": self.id})


class Link:
    """What a process sends to one topic, and hears from there."""

    def __init__(self, topic: str, url: str, *, patience: Patience | None = None) -> None:
        self.topic = topic
        self.patience = patience or Patience()
        self._calls: dict[str, Call] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._executor = RemoteExecutor(
            f"conductor-{uuid.uuid4().hex}",
            topic,
            url=url,
            take_seconds=self.patience.take_seconds,
            look=self._look,
        )
        # publishing may block as long as the broker is away: no thread of the steps is for that
        self._sender = ThreadPoolExecutor(1, "errands")
        self._executor.start()

    def errands(self) -> Errands:
        """How much was sent and has not ended."""
        with self._lock:
            begun = sum(bool(call.heard) for call in self._calls.values())
            return Errands(self.topic, len(self._calls) - begun, begun)

    @property
    def is_answered(self) -> bool:
        """Whether a worker of this topic has answered lately."""
        return self._executor.is_answered

    def begin(self, document: dict[str, Any], done: tuple[Outcome | None] | None) -> Call:
        """Send an errand; with ``done`` it is a reversion of what that brought."""
        call = Call(uuid.uuid4().hex)
        call.end.add_done_callback(lambda _: self._over(call))
        with self._lock:
            self._calls[call.id] = call
        self._sender.submit(self._send, call, document, done)
        return call

    def may_be_begun(self, call: Call) -> bool:
        """Whether a worker may be at it."""
        return bool(call.heard) or self._executor.has_begun(call.id)

    def close(self) -> None:
        """End; no errand is waited for any more."""
        self._is_closed = True
        self._sender.shutdown(wait=False, cancel_futures=True)
        self._executor.stop()

    def _send(
        self, call: Call, document: dict[str, Any], done: tuple[Outcome | None] | None
    ) -> None:
        if call.end.done():
            return
        task = ErrandTask(call.id)
        task.notifier.register("*", lambda event, details: self._heard(call))
        arguments = {"errand": call.id, "document": document}
        if done is None:
            future = self._executor.execute_task(task, call.id, arguments)
        else:
            # TaskFlow's protocol wants to know why
            reason = failure.Failure.from_exception(HandlerError("the group is reverted"))
            result = outcomes.to_result(done[0]) if done[0] is not None else None
            future = self._executor.revert_task(task, call.id, arguments, result, {call.id: reason})
        future.add_done_callback(lambda ended: self._ended(call, ended.result()[1]))

    def _ended(self, call: Call, result: Any) -> None:
        # when it is closed, TaskFlow calls everything a timeout
        if not self._is_closed:
            call.finish(_answer(result))

    def _heard(self, call: Call) -> None:
        call.heard = time.monotonic()

    def _over(self, call: Call) -> None:
        with self._lock:
            self._calls.pop(call.id, None)
        self._executor.forget(call.id)

    def _look(self, gap_seconds: float) -> None:
        """While the broker was away nobody could be heard."""
        oldest = time.monotonic() - self.patience.lost_seconds
        with self._lock:
            calls = tuple(self._calls.values())
        for call in calls:
            if call.heard:
                call.heard += gap_seconds
                if call.heard < oldest:
                    LOG.warning("worker lost", extra={"topic": self.topic, "errand": call.id})
                    call.finish(Answer(stopped="the worker is lost"))


def _answer(result: Any) -> Answer:
    if not isinstance(result, failure.Failure):
        return Answer.from_json(result)
    if is_untaken(result):
        return Answer(stopped="no worker has begun it")
    return Answer(error=f"the worker could not begin: {result.exception_str}")


class RemoteHandler:
    """A :class:`~esi_flows.handlers.base.Handler` that has its runs made by workers of a topic."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def execute(self, job: Job, run: Run) -> Steps:
        """As the handler at the worker. Raises HandlerError."""
        return self._run(job, run, None)

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        """As the handler at the worker. Raises HandlerError."""
        return self._run(job, run, (outcome,))

    def errands(self) -> Errands:
        """How much there is now, of all handlers of its topic."""
        return self._link.errands()

    def close(self) -> None:
        """The link is closed by who made it."""

    def _run(self, job: Job, run: Run, done: tuple[Outcome | None] | None) -> Steps:
        patience, recovering = self._link.patience, run.recovering
        untaken_since = time.monotonic()
        while True:
            errand = errand_of(job, run, recovering=recovering)
            call = self._link.begin(errand.to_json(), done)
            try:
                answer: Answer = yield call.end
            except EsiFlowsError:
                # cancelled, or out of time: two must not be at the same stack
                yield from self._take_back(call, run)
                raise
            if answer.outcome is not None:
                return answer.outcome
            if answer.error:
                raise HandlerError(answer.error)
            LOG.info("errand is sent again", extra={"job": job.id, "why": answer.stopped})
            yield from self._take_back(call, run)
            if call.heard:
                untaken_since, recovering = time.monotonic(), True
            elif time.monotonic() - untaken_since >= patience.wait_seconds:
                raise HandlerError(
                    f"no worker of the topic {self._link.topic} has begun it within "
                    f"{patience.wait_seconds:g} s",
                    hint=f"start one: esi-flows worker --topic {self._link.topic}",
                )

    def _take_back(self, call: Call, run: Run) -> Generator[Future[Any], Any, None]:
        """Make sure that no worker is at it any more, or takes a further step of it."""
        assert run.tenure is not None
        begun = self._link.may_be_begun(call) and not call.end.done()
        yield run.tenure.revoke(call.id)
        if begun:
            LOG.info("errand revoked", extra={"errand": call.id})
