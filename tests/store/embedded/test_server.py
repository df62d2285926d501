from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from esi_flows.model.errors import ServerError
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.embedded.process import is_healthy
from tests.store.conftest import Connect

pytestmark = pytest.mark.usefixtures("etcd_program")

OWNER = """
import sys
from pathlib import Path
from esi_flows.store.embedded import EmbeddedEtcd
server = EmbeddedEtcd(Path(sys.argv[1])).start()
print(server.process.pid, server.endpoint, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "etcd"


@pytest.fixture
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the server of the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def announced(owner: subprocess.Popen[str]) -> tuple[int, str]:
    """Process id and endpoint of the server that ``owner`` has started."""
    assert owner.stdout is not None
    pid, endpoint = owner.stdout.readline().split()
    return int(pid), endpoint


def wait_gone(pid: int) -> None:
    """Wait until a process is gone that is not a child of ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(handle, closefd=True) as process:
        assert select.select([process], [], [], 10)[0], "still there"


def test_data_and_port_outlive_a_stop(folder: Path, connected: Connect) -> None:
    with EmbeddedEtcd(folder) as first:
        connected(first.endpoint).put("/a", b"kept")
    assert not is_healthy(first.endpoint)
    with EmbeddedEtcd(folder) as second:
        found = connected(second.endpoint).get("/a")
    assert found is not None
    assert found.value == b"kept"
    assert second.endpoint == first.endpoint


def test_second_one_joins_and_leaves_it_running(folder: Path, connected: Connect) -> None:
    with EmbeddedEtcd(folder) as first:
        with EmbeddedEtcd(folder) as second:
            assert (first.owned, second.owned) == (True, False)
            assert second.endpoint == first.endpoint
            with pytest.raises(ServerError, match="somebody else"):
                _ = second.process
        assert connected(first.endpoint).get("/a") is None


def test_of_many_that_start_at_once_one_owns_and_all_are_served(folder: Path) -> None:
    servers = [EmbeddedEtcd(folder) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(EmbeddedEtcd.start, servers))
    assert [server.owned for server in servers].count(True) == 1
    assert len({server.endpoint for server in servers}) == 1
    for server in servers:
        server.stop()


def test_server_outlives_the_thread_that_started_it(folder: Path) -> None:
    server = EmbeddedEtcd(folder)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    assert is_healthy(server.endpoint)
    assert server.process.running
    server.stop()


def test_server_dies_with_its_owner_and_the_data_stay(
    folder: Path, owner: subprocess.Popen[str], connected: Connect
) -> None:
    pid, endpoint = announced(owner)
    connected(endpoint).put("/a", b"kept")
    owner.kill()
    wait_gone(pid)
    with EmbeddedEtcd(folder) as server:
        assert server.owned
        assert connected(server.endpoint).get("/a") is not None


def test_taking_over_right_after_the_owner_died_works(
    folder: Path, owner: subprocess.Popen[str], connected: Connect
) -> None:
    _, endpoint = announced(owner)
    connected(endpoint).put("/a", b"kept")
    owner.kill()
    owner.wait()
    with EmbeddedEtcd(folder) as server:
        assert server.owned
        assert connected(server.endpoint).get("/a") is not None


def test_orphan_that_lives_on_is_ended_first(folder: Path, connected: Connect) -> None:
    # as where the kernel cannot end it with its owner: the lock is free, the server is there
    with EmbeddedEtcd(folder) as first:
        pid = first.process.pid
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    orphan = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (folder / "server.json").write_text(json.dumps({"pid": orphan.pid, "endpoint": first.endpoint}))
    # its parent here is this process, which has to reap it
    reaper = threading.Thread(target=orphan.wait)
    reaper.start()
    with EmbeddedEtcd(folder) as second:
        assert second.owned
        assert connected(second.endpoint).get("/a") is None
        reaper.join(10)
        assert orphan.returncode == -signal.SIGTERM or orphan.returncode == 0


def test_stale_state_does_not_lead_to_the_server_of_another_folder(
    folder: Path, etcd: EmbeddedEtcd
) -> None:
    folder.mkdir()
    stale = {"pid": etcd.process.pid, "endpoint": etcd.endpoint}
    (folder / "server.json").write_text(json.dumps(stale))
    with EmbeddedEtcd(folder) as server:
        assert server.endpoint != etcd.endpoint
        assert etcd.process.running


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "null"])
def test_state_that_cannot_be_read_is_no_hindrance(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "server.json").write_text(text)
    with EmbeddedEtcd(folder) as server:
        assert is_healthy(server.endpoint)


def test_port_that_was_taken_meanwhile_is_replaced(folder: Path) -> None:
    with EmbeddedEtcd(folder) as first:
        port = int(first.endpoint.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), EmbeddedEtcd(folder) as second:
        assert second.endpoint != first.endpoint
        assert is_healthy(second.endpoint)


def test_wanted_port_that_is_taken_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = EmbeddedEtcd(folder, port=taken.getsockname()[1])
        with pytest.raises(ServerError, match="address already in use"):
            server.start()
    server.stop()


def test_start_that_fails_shows_the_log(folder: Path) -> None:
    with pytest.raises(ServerError, match="no-such-flag") as caught:
        EmbeddedEtcd(folder, arguments=("--no-such-flag",)).start()
    assert str(folder / "etcd.log") in caught.value.message


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="file/etcd"):
        EmbeddedEtcd(tmp_path / "file" / "etcd").start()


def test_settings_of_the_environment_do_not_reach_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETCD_SNAPSHOT_COUNT", "nonsense")
    with EmbeddedEtcd(folder) as server:
        assert is_healthy(server.endpoint)


def test_data_are_for_the_user_alone(folder: Path) -> None:
    with EmbeddedEtcd(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "data").stat().st_mode & 0o777 == 0o700


def test_stopped_server_that_is_frozen_is_ended_all_the_same(folder: Path) -> None:
    server = EmbeddedEtcd(folder).start()
    server.process.pause()
    server.stop()
    assert not server.owned
    assert not is_healthy(server.endpoint)


@pytest.mark.parametrize("moment", ["data/member", "data/member/wal", "data/member/snap/db"])
def test_first_start_that_was_cut_off_is_begun_again(
    folder: Path, connected: Connect, moment: str
) -> None:
    first = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE)
    while first.poll() is None and not (folder / moment).exists():
        pass  # the moment is too short to wait for it in any kinder way
    first.kill()
    first.communicate()
    with EmbeddedEtcd(folder) as server:
        connected(server.endpoint).put("/a", b"1")
    with EmbeddedEtcd(folder) as server:
        assert connected(server.endpoint).get("/a") is not None, "what was written is kept"
