"""Brings one stack to a wanted shape, from whatever state it is found in."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from esi_flows.handlers.heat.client import (
    Heat,
    HeatUnavailable,
    Stack,
    StackBusy,
    StackExists,
    StackMissing,
    StackRequest,
)
from esi_flows.handlers.heat.poller import StackPoller
from esi_flows.model.errors import HandlerError, HandlerTimeout

T = TypeVar("T")
Waiting = Generator["Future[Any]", Any, T]

RETRY_SECONDS = 1.0


class StackWork:
    """Work on the stack ``name`` in one project, until ``deadline`` on the monotonic clock.

    The name is the idempotency key: what is found under it was made by this job or an earlier one
    of the same resource, and is waited for, updated or replaced according to its status.
    """

    def __init__(
        self, heat: Heat, poller: StackPoller, *, project_id: str, name: str, deadline: float
    ) -> None:
        self._heat = heat
        self._poller = poller
        self._project_id = project_id
        self._name = name
        self._deadline = deadline

    def ensure(self, request: StackRequest, *, creating: bool) -> Waiting[Stack]:
        """The stack is as requested. Raises HandlerError.

        ``creating``: a stack whose creation failed is replaced; else it is updated, which repairs.
        """
        while True:
            found = yield from self._settled_find()
            if found is not None and (
                found.deleting or (creating and found.status == "CREATE_FAILED")
            ):
                yield from self._delete(found)
                found = None
            try:
                before = yield from self._send(found, request)
            except (StackExists, StackMissing, StackBusy):
                yield from self._pause()  # it changed between our look and our call: look again
                continue
            return (yield from self._complete(before))

    def ensure_absent(self) -> Waiting[None]:
        """There is no stack of that name. Raises HandlerError.

        Heat gives up what it is at when it is told to delete: that is not waited for, and is the
        only way out where it would never end.
        """
        found = yield from self._patiently(lambda: self._heat.find(self._name))
        if found is not None and found.deleting and found.in_progress:
            found = yield from self._settled(deleting=True)
        if found is not None:
            yield from self._delete(found)

    def outputs(self, stack: Stack) -> Waiting[tuple[Stack, list[dict[str, Any]]]]:
        """The finished stack and its outputs."""
        return (yield from self._patiently(lambda: self._heat.outputs(stack)))

    def _settled_find(self) -> Waiting[Stack | None]:
        found = yield from self._patiently(lambda: self._heat.find(self._name))
        if found is None or not found.in_progress:
            return found
        return (yield from self._settled(deleting=found.deleting))

    def _send(self, found: Stack | None, request: StackRequest) -> Waiting[Stack | None]:
        """Ask Heat to create or update; what it was before.

        When the answer is lost, what Heat has now tells whether the request arrived.
        """
        while True:
            try:
                if found is None:
                    self._heat.create(self._name, request)
                else:
                    self._heat.update(found, request)
            except HeatUnavailable:
                yield from self._pause()
                now = yield from self._patiently(lambda: self._heat.find(self._name))
                if _moved(found, now):
                    return found
            else:
                return found

    def _complete(self, before: Stack | None) -> Waiting[Stack]:
        stack = yield from self._settled(before=before)
        if stack is None or stack.status == "DELETE_COMPLETE":  # listed so for a moment
            raise HandlerError(
                f"stack {self._name} disappeared while Heat was working on it",
                hint="somebody else has deleted it; send a new version to have it made again",
            )
        if stack.complete and not stack.deleting:
            return stack
        failures = yield from self._patiently(lambda: self._heat.failures(stack))
        details = f" [{'; '.join(failures)}]" if failures else ""
        raise HandlerError(
            f"stack {self._name} is {stack.status}: {stack.reason}{details}",
            hint=f"openstack stack failures list {self._name}",
        )

    def _delete(self, found: Stack) -> Waiting[None]:
        try:
            self._heat.delete(found)
        except StackMissing:
            return
        except HeatUnavailable:
            yield from self._pause()
            now = yield from self._settled_find()
            if now is not None:
                yield from self._delete(now)
            return
        left = yield from self._settled(before=found, deleting=True)
        if left is not None:
            raise HandlerError(
                f"stack {self._name} could not be deleted: {left.reason}",
                hint=f"openstack stack failures list {self._name}",
            )

    def _settled(
        self, *, before: Stack | None = None, deleting: bool = False
    ) -> Waiting[Stack | None]:
        stack: Stack | None = yield self._poller.settled(
            self._project_id,
            self._name,
            deadline=self._deadline,
            before=before,
            deleting=deleting,
        )
        return stack

    def _patiently(self, read: Callable[[], T]) -> Waiting[T]:
        """A read, repeated while Heat is not there and the job's time is not over."""
        while True:
            try:
                return read()
            except HeatUnavailable as error:
                yield from self._pause(error)

    def _pause(self, cause: Exception | None = None) -> Waiting[None]:
        if time.monotonic() + RETRY_SECONDS > self._deadline:
            raise HandlerTimeout(
                f"the time of stack {self._name} is over" + (f": {cause}" if cause else "")
            ) from cause
        yield self._poller.later(RETRY_SECONDS)


def _moved(before: Stack | None, now: Stack | None) -> bool:
    """Whether Heat has taken an action since ``before``."""
    if before is None or now is None:
        return before is not now
    return (before.id, before.status, before.updated_at) != (now.id, now.status, now.updated_at)
