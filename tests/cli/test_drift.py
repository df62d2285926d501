"""``esi-flows drift`` and ``repair`` on what was run in a sandbox of their own."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Cli


def test_without_a_cloud_the_error_says_what_to_configure(cli: Cli) -> None:
    result = cli("drift")
    assert result.code == 1
    assert "no cloud is configured" in result.err


def test_drift_of_nothing_is_none(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:9/v3")
    monkeypatch.setenv("OS_PASSWORD", "x")
    assert cli("drift").out == "No drift: 0 stacks looked at\n"
    result = cli("drift", "-f", "json")
    assert json.loads(result.out) == {
        "format": 1,
        "looked_at": 0,
        "drifted": [],
        "not_compared": [],
        "under_way": [],
    }
    assert result.code == 0


def test_a_kind_that_is_none_is_refused(cli: Cli) -> None:
    result = cli("drift", "--ignore", "weather")
    assert result.code == 1
    assert "invalid choice: 'weather'" in result.err
