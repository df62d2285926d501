"""systemd is told what it asked for, on the socket that it named."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from esi_flows.operation.notify import READY, Notifier


@pytest.fixture(params=["path", "abstract"])
def listening(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, socket.socket]]:
    """A socket like that of systemd, and its name in NOTIFY_SOCKET."""
    is_abstract = request.param == "abstract"
    name = f"@esi-flows-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0{name[1:]}" if is_abstract else name)
        channel.settimeout(5)
        yield name, channel


def test_states_arrive(listening: tuple[str, socket.socket]) -> None:
    name, channel = listening
    Notifier({"NOTIFY_SOCKET": name}).tell(READY)
    assert channel.recv(100) == b"READY=1"


def test_nothing_is_told_where_nobody_listens(tmp_path: Path) -> None:
    Notifier({}).tell(READY)
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell(READY)


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_told_twice_as_often_as_it_waits(
    variables: dict[str, str], seconds: float | None
) -> None:
    assert Notifier(variables).interval_seconds == seconds
