"""Installed handlers are found, and one that cannot be used is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from stevedore import ExtensionManager

from esi_flows import settings
from esi_flows.handlers.registry import NAMESPACE, load_handlers
from esi_flows.model.errors import SettingsInvalid


@pytest.fixture(autouse=True)
def looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """stevedore remembers for the whole process what is installed."""
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})


def install(folder: Path, name: str, target: str) -> None:
    """A distribution in ``folder`` that brings one handler."""
    info = folder / "plug_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{NAMESPACE}]\n{name} = {target}\n")


def test_a_handler_that_cannot_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "dns_worker", "no_such_module:make_handler")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsInvalid, match=r"dns_worker.*no_such_module"):
        load_handlers(settings.load())
