"""What Heat tells of one project. There is no call here that could change anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import adapter, session
from keystoneauth1 import exceptions as auth_exceptions

from esi_flows.model.errors import EsiFlowsError

_AGAIN_ON = [429, 502, 503, 504]
_TRIES = 3


class CloudUnreadable(EsiFlowsError):
    """Heat or Keystone did not answer a question, or refused to."""


@dataclass(frozen=True, slots=True)
class SeenStack:
    """A stack as a list tells of it. ``status`` is Heat's, e.g. ``UPDATE_FAILED``."""

    id: str
    name: str
    status: str
    reason: str


class HeatView:
    """The questions that can be asked of Heat in one project; each raises CloudUnreadable.

    Of the means to talk HTTP it keeps the one to GET, and no other.
    """

    def __init__(self, scoped: session.Session, **adapter_options: Any) -> None:
        """``scoped`` is a session of the project; options as keystoneauth's adapters take them."""
        self._project_id = scoped.get_project_id
        self._ask = adapter.Adapter(
            scoped,
            service_type="orchestration",
            connect_retries=_TRIES,
            status_code_retries=_TRIES,
            retriable_status_codes=_AGAIN_ON,
            **adapter_options,
        ).get

    def stacks(self) -> list[SeenStack]:
        """Every stack of the project, without those inside of others."""
        found = self._get("/stacks", {"tenant": self._project()})["stacks"]
        return [
            SeenStack(
                id=each["id"],
                name=each["stack_name"],
                status=each["stack_status"],
                reason=each.get("stack_status_reason") or "",
            )
            for each in found
        ]

    def template(self, stack: SeenStack) -> Mapping[str, Any]:
        """The template that Heat has of a stack, as JSON."""
        return dict(self._get(f"{_path(stack)}/template"))

    def environment(self, stack: SeenStack) -> Mapping[str, Any]:
        """What was given with the template: ``parameters`` above all; hidden ones are masked."""
        return dict(self._get(f"{_path(stack)}/environment"))

    def outputs(self, stack: SeenStack) -> list[dict[str, Any]]:
        """The outputs as they are now."""
        return list(self._get(_path(stack))["stack"].get("outputs", []))

    def failures(self, stack: SeenStack) -> list[str]:
        """The failed resources of a stack, each with its reason."""
        return [
            f"{each['resource_name']}: {each['resource_status_reason']}"
            for each in self._get(f"{_path(stack)}/resources")["resources"]
            if each["resource_status"].endswith("_FAILED")
        ]

    def _project(self) -> str:
        try:
            return str(self._project_id() or "")
        except auth_exceptions.ClientException as error:
            raise _unreadable(error) from error

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        try:
            return self._ask(path, params=params).json()
        except auth_exceptions.ClientException as error:
            raise _unreadable(error) from error
        except ValueError as error:
            raise CloudUnreadable(f"Heat's answer to {path} is no JSON: {error}") from error


def _path(stack: SeenStack) -> str:
    return f"/stacks/{stack.name}/{stack.id}"


def _unreadable(error: Exception) -> CloudUnreadable:
    return CloudUnreadable(
        f"{error}", hint="check the [cloud] and [heat] settings, and whether the cloud answers"
    )
