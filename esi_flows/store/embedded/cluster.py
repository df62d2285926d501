"""Three members on one machine, to be killed and frozen one by one."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from esi_flows.model.errors import ServerError
from esi_flows.store.embedded.binary import obtain_etcd
from esi_flows.store.embedded.process import PORT_TAKEN, EtcdProcess, Ports, free_ports
from esi_flows.store.embedded.server import COMMON_ARGUMENTS

_TIMINGS = ("--heartbeat-interval", "20", "--election-timeout", "200")
_START_TRIES = 3


class EmbeddedCluster:
    """A private etcd cluster for tests; nobody else can join it."""

    def __init__(self, data_dir: Path, *, members: int = 3) -> None:
        self._folder = data_dir
        self._size = members
        self._ports: list[Ports] = []
        self._processes: list[EtcdProcess] = []

    @property
    def endpoints(self) -> list[str]:
        """URLs for clients, one for each member."""
        return [ports.endpoint for ports in self._ports]

    def start(self) -> Self:
        """Start every member, and return once all take requests. Raises ServerError."""
        program = obtain_etcd()
        for tries_left in reversed(range(_START_TRIES)):
            self._ports = [free_ports() for _ in range(self._size)]
            self._processes = [
                EtcdProcess(program, self._folder / f"m{n}", self._arguments(n))
                for n in range(self._size)
            ]
            try:
                for process in self._processes:
                    process.start()
                for n in range(self._size):
                    self.wait_ready(n)
                break
            except ServerError as error:
                self.stop()
                if PORT_TAKEN not in error.message or not tries_left:
                    raise
        return self

    def wait_ready(self, member: int) -> None:
        """Return once a member takes requests. Raises ServerError."""
        self._processes[member].wait_ready(self._ports[member].endpoint)

    def kill(self, member: int) -> None:
        """``kill -9`` a member."""
        self._processes[member].kill()

    def restart(self, *members: int) -> None:
        """Start killed members again, and return once they take requests. Raises ServerError."""
        for member in members:
            self._processes[member].start()
        for member in members:
            self.wait_ready(member)

    def pause(self, member: int) -> None:
        """Freeze a member; its connections stay open."""
        self._processes[member].pause()

    def resume(self, member: int) -> None:
        """Let a frozen member go on."""
        self._processes[member].resume()

    def stop(self) -> None:
        """Kill every member: its data is thrown away, and without a majority it ends slowly."""
        for process in self._processes:
            process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _arguments(self, member: int) -> list[str]:
        ports = self._ports[member]
        peers = ",".join(f"m{n}={p.peer_url}" for n, p in enumerate(self._ports))
        return [
            *("--name", f"m{member}"),
            *("--listen-client-urls", ports.endpoint, "--advertise-client-urls", ports.endpoint),
            *("--listen-peer-urls", ports.peer_url),
            *("--initial-advertise-peer-urls", ports.peer_url),
            *("--initial-cluster", peers),
            *_TIMINGS,
            *COMMON_ARGUMENTS,
        ]
