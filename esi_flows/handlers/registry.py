"""Finds the installed handlers."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from stevedore import ExtensionManager

from esi_flows.handlers.base import Handler
from esi_flows.model.errors import SettingsInvalid

NAMESPACE = "esi_flows.handlers"

_DEFECTS = (ImportError, LookupError, OSError, TypeError, ValueError)
"""What a plug-in may raise that does not know our errors."""


def load_handlers(conf: Any) -> dict[str, Handler]:
    """Every installed handler by the name that jobs call it. Raises SettingsInvalid.

    An entry point of ``esi_flows.handlers`` is a callable that gets the configuration and returns
    the handler.
    """
    handlers, refused = try_handlers(conf)
    for error in refused.values():
        for handler in handlers.values():
            handler.close()
        raise error
    return handlers


def try_handlers(conf: Any) -> tuple[dict[str, Handler], dict[str, SettingsInvalid]]:
    """The handlers that can be used, and for each of the others why it cannot."""
    handlers: dict[str, Handler] = {}
    refused: dict[str, SettingsInvalid] = {}

    def refuse(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
        refused[entry_point.name] = _not_loaded(entry_point, error)

    for extension in ExtensionManager(NAMESPACE, on_load_failure_callback=refuse):
        try:
            handlers[extension.name] = extension.plugin(conf)
        except SettingsInvalid as error:
            refused[extension.name] = error
        except _DEFECTS as error:
            refused[extension.name] = _not_loaded(extension.entry_point, error)
    return handlers, refused


def _not_loaded(entry_point: EntryPoint, error: BaseException) -> SettingsInvalid:
    return SettingsInvalid(
        f"the handler {entry_point.name} cannot be loaded from {entry_point.value}: "
        f"{type(error).__name__}: {error}",
        hint="install what it needs, or remove the package that brings it",
    )
