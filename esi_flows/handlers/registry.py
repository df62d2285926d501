"""Finds the installed handlers."""

from __future__ import annotations

from typing import Any

from stevedore import ExtensionManager

from esi_flows.handlers.base import Handler

NAMESPACE = "esi_flows.handlers"


def load_handlers(conf: Any) -> dict[str, Handler]:
    """Every installed handler by the name that jobs call it. Raises SettingsInvalid.

    An entry point of ``esi_flows.handlers`` is a callable that gets the configuration and returns
    the handler.
    """
    found = ExtensionManager(NAMESPACE, on_load_failure_callback=_raise)
    return {extension.name: extension.plugin(conf) for extension in found}


def _raise(_manager: Any, _entry_point: Any, error: BaseException) -> None:
    raise error
