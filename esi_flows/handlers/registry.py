"""Finds the installed handlers."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from stevedore import ExtensionManager

from esi_flows.handlers.base import Handler
from esi_flows.model.errors import SettingsInvalid

NAMESPACE = "esi_flows.handlers"


def load_handlers(conf: Any) -> dict[str, Handler]:
    """Every installed handler by the name that jobs call it. Raises SettingsInvalid.

    An entry point of ``esi_flows.handlers`` is a callable that gets the configuration and returns
    the handler.
    """
    found = ExtensionManager(NAMESPACE, on_load_failure_callback=_refuse)
    return {extension.name: extension.plugin(conf) for extension in found}


def _refuse(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
    raise SettingsInvalid(
        f"the handler {entry_point.name} cannot be loaded from {entry_point.value}: "
        f"{type(error).__name__}: {error}",
        hint="install what it needs, or remove the package that brings it",
    ) from error
