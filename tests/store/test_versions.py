from __future__ import annotations

import pytest

from esi_flows.model.errors import ServerError
from esi_flows.store.versions import check_version


@pytest.mark.parametrize("version", ["3.4.23", "3.5.3", "3.5.16", "3.6.0", "3.5.10", "unknown"])
def test_server_without_known_loss_is_taken(version: str) -> None:
    check_version(version)


@pytest.mark.parametrize("version", ["3.5.0", "3.5.1", "3.5.2", "v3.5.2", "3.5.1-beta"])
def test_server_that_loses_writes_is_refused(version: str) -> None:
    with pytest.raises(ServerError, match="can lose writes"):
        check_version(version)


def test_server_that_loses_writes_is_taken_with_a_warning_when_allowed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    check_version("3.5.1", allow_unsafe=True)
    assert "can lose writes" in caplog.text
