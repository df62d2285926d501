"""OpenStack Heat, one client per project; errors in our words."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from heatclient import client as heat_client
from heatclient import exc as heat_exceptions
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import session

from esi_flows.handlers.base import CallObserver
from esi_flows.handlers.heat.parameters import as_sent
from esi_flows.model.errors import HandlerError

T = TypeVar("T")

_NAMES_IN_A_URL = 40
"""Names of stacks are long; servers and proxies take some thousand characters in a URL."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as Heat tells of it. ``status`` is Heat's, e.g. ``CREATE_IN_PROGRESS``."""

    id: str
    name: str
    status: str
    reason: str
    updated_at: str
    """When its last update was asked for, as Heat writes it; empty before the first."""

    @property
    def in_progress(self) -> bool:
        """Whether Heat is still at it."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def complete(self) -> bool:
        """Whether the last action succeeded."""
        return self.status.endswith("_COMPLETE")

    @property
    def deleting(self) -> bool:
        """Whether the stack is on its way out."""
        return self.status.startswith("DELETE_")


@dataclass(frozen=True, slots=True)
class StackRequest:
    """What is sent to Heat: everything needed to bring a stack (back) to this shape."""

    template: str
    parameters: Mapping[str, Any]
    timeout_minutes: int

    def to_json(self) -> dict[str, Any]:
        """As recorded under ``/esi-flows/stacks``."""
        return {
            "template": self.template,
            "parameters": dict(self.parameters),
            "timeout_minutes": self.timeout_minutes,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> StackRequest:
        """Read a recorded request."""
        return cls(document["template"], document["parameters"], document["timeout_minutes"])


class StackExists(HandlerError):
    """A stack of that name is there already: somebody, perhaps we, created it before."""


class StackMissing(HandlerError):
    """There is no stack of that name."""


class StackBusy(HandlerError):
    """Heat does not take this action while another is going on."""


class HeatRejected(HandlerError):
    """Heat refuses the request: sending it again cannot help."""


class HeatUnavailable(HandlerError):
    """Heat or Keystone did not answer, or answered that they cannot now.

    A write may have happened all the same.
    """


def _nobody(call: str, outcome: str, seconds: float) -> None:
    """Nobody wants to be told of calls."""


class Clouds:
    """Heat for each project: sessions and tokens are kept, one per project."""

    def __init__(
        self, make_session: Callable[[str], session.Session], **adapter_options: Any
    ) -> None:
        """``make_session(project_id)`` gives a session scoped to that project."""
        self._make_session = make_session
        self._options = adapter_options
        self.on_call: CallObserver = _nobody
        """Who is told of every call."""
        self._heats: dict[str, Heat] = {}
        self._lock = threading.Lock()

    def project(self, project_id: str) -> Heat:
        """Heat in one project."""
        with self._lock:
            if project_id not in self._heats:
                scoped = self._make_session(project_id)
                client = heat_client.Client(
                    "1", session=scoped, service_type="orchestration", **self._options
                )
                self._heats[project_id] = Heat(client, scoped, self._tell)
            return self._heats[project_id]

    def _tell(self, call: str, outcome: str, seconds: float) -> None:
        self.on_call(call, outcome, seconds)


_AWAY = (
    auth_exceptions.ConnectionError,
    auth_exceptions.RetriableConnectionFailure,
    auth_exceptions.DiscoveryFailure,  # what is said of a Keystone that does not answer
)


def _translated(call: Callable[..., T]) -> Callable[..., T]:
    """Raise our errors for those of heatclient and keystoneauth."""

    @functools.wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        try:
            return call(*args, **kwargs)
        except heat_exceptions.HTTPNotFound as error:
            raise StackMissing(str(error)) from error
        except heat_exceptions.HTTPConflict as error:
            busy = "action" in str(error)
            raise (StackBusy if busy else StackExists)(str(error)) from error
        except heat_exceptions.HTTPException as error:
            raise _refusal(error.code)(str(error)) from error
        except _AWAY as error:
            raise HeatUnavailable(str(error)) from error
        except auth_exceptions.HttpError as error:
            raise _refusal(error.http_status)(str(error)) from error
        except auth_exceptions.ClientException as error:
            raise HeatRejected(
                str(error), hint="check the [cloud] and [heat] settings and the service catalog"
            ) from error

    return wrapper


def _told(call: Callable[..., T]) -> Callable[..., T]:
    """Tell the observer of a :class:`Heat` of each call, and raise our errors."""
    translated = _translated(call)

    @functools.wraps(call)
    def wrapper(heat: Heat, *args: Any, **kwargs: Any) -> T:
        started = time.monotonic()
        outcome = "error"
        try:
            answer = translated(heat, *args, **kwargs)
            outcome = "ok"
            return answer
        except HandlerError as error:
            outcome = type(error).__name__
            raise
        finally:
            heat.on_call(call.__name__, outcome, time.monotonic() - started)

    return wrapper


def _refusal(status: int) -> type[HandlerError]:
    """Whether a call may succeed later.

    A credential that is refused is the operator's to mend, while the jobs go on waiting.
    """
    temporary = status in (401, 408, 429) or status >= 500
    return HeatUnavailable if temporary else HeatRejected


class Heat:
    """The calls we make on Heat, in one project. Each is one HTTP request; none is repeated."""

    def __init__(
        self,
        client: heat_client.Client,
        scoped: session.Session,
        on_call: CallObserver = _nobody,
    ) -> None:
        self._client = client
        self._session = scoped
        self.on_call = on_call

    @_told
    def stacks(self, names: Collection[str] = ()) -> list[Stack]:
        """The stacks of the project that have one of these names; all where those are too many.

        An admin is listed the stacks of every project unless one is asked for.
        """
        project_id = self._session.get_project_id()
        filters: dict[str, Any] = {"tenant": project_id} if project_id else {}
        if 0 < len(names) <= _NAMES_IN_A_URL:
            filters["name"] = sorted(names)
        return [_stack(found) for found in self._client.stacks.list(filters=filters)]

    @_told
    def find(self, name_or_id: str) -> Stack | None:
        """One stack, without its outputs, or None."""
        try:
            return _stack(self._client.stacks.get(name_or_id, resolve_outputs=False))
        except heat_exceptions.HTTPNotFound:
            return None

    @_told
    def outputs(self, stack: Stack) -> tuple[Stack, list[dict[str, Any]]]:
        """The stack as it is now and its outputs, as Heat lists them."""
        found = self._client.stacks.get(f"{stack.name}/{stack.id}")
        return _stack(found), list(getattr(found, "outputs", []))

    @_told
    def create(self, name: str, request: StackRequest) -> None:
        """Start to create. Raises StackExists."""
        self._client.stacks.create(stack_name=name, disable_rollback=True, **_fields(request))

    @_told
    def update(self, stack: Stack, request: StackRequest) -> None:
        """Start to update. Raises StackMissing, StackBusy."""
        self._client.stacks.update(
            f"{stack.name}/{stack.id}", disable_rollback=True, **_fields(request)
        )

    @_told
    def delete(self, stack: Stack) -> None:
        """Start to delete. Raises StackMissing."""
        self._client.stacks.delete(f"{stack.name}/{stack.id}")

    @_told
    def failures(self, stack: Stack) -> list[str]:
        """The failed resources of a stack, each with its reason."""
        return [
            f"{found.resource_name}: {found.resource_status_reason}"
            for found in self._client.resources.list(stack.id)
            if found.resource_status.endswith("_FAILED")
        ]


def _fields(request: StackRequest) -> dict[str, Any]:
    return {
        "template": request.template,
        "parameters": as_sent(request.template, request.parameters),
        "timeout_mins": request.timeout_minutes,
    }


def _stack(found: Any) -> Stack:
    return Stack(
        id=found.id,
        name=found.stack_name,
        status=found.stack_status,
        reason=found.stack_status_reason or "",
        updated_at=found.updated_time or "",
    )
