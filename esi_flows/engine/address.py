"""Where a TaskFlow program says that its etcd is: the ``conf`` of the persistence backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from esi_flows.model import keys
from esi_flows.model.errors import SettingsInvalid
from esi_flows.store.etcd import EtcdStore, connect

DEFAULT_PORT = 2379
_TIMEOUT_SECONDS = 5.0

_HINT = "write it as etcd://host:2379, or etcd://host-1,host-2,host-3:2379"


@dataclass(frozen=True, slots=True)
class Address:
    """An etcd, who we are to it, and below which path everything is.

    ``ca_cert``, ``cert`` and ``key`` name PEM files; ``timeout_seconds`` bounds every call.
    """

    endpoints: tuple[str, ...]
    path: str = keys.PERSISTENCE
    user: str = ""
    password: str = ""
    ca_cert: str = ""
    cert: str = ""
    key: str = ""
    timeout_seconds: float = _TIMEOUT_SECONDS

    def __repr__(self) -> str:
        return f"Address({', '.join(self.endpoints)}, path={self.path!r})"

    def connect(self) -> EtcdStore:
        """The store there; connects when first used. Raises SettingsInvalid."""
        return connect(
            self.endpoints,
            user=self.user,
            password=self.password,
            ca_cert=self.ca_cert,
            cert=self.cert,
            key=self.key,
            timeout_seconds=self.timeout_seconds,
        )


def read(conf: Mapping[str, Any]) -> Address:
    """The address that a backend's ``conf`` names. Raises SettingsInvalid.

    Every member of :class:`Address` can be a member of ``conf``, or of the query of its
    ``connection``: ``etcd://user:password@host-1,host-2:2379/?path=/mine``. What ``conf`` itself
    says goes first.
    """
    connection = str(conf.get("connection", "etcd"))
    given = {**_of_connection(connection), **{k: v for k, v in conf.items() if v is not None}}
    if given.get("password") == urlsplit(connection).password:
        # TaskFlow copies it from the connection as it is written there
        given["password"] = unquote(str(given.get("password") or ""))
    try:
        seconds = float(given.get("timeout_seconds", _TIMEOUT_SECONDS))
    except (TypeError, ValueError) as error:
        raise SettingsInvalid(f"timeout_seconds of {connection!r} is no number") from error
    texts = {
        field.name: str(given[field.name])
        for field in fields(Address)
        if field.name in given and field.name not in ("endpoints", "timeout_seconds")
    }
    texts["path"] = _path(texts.get("path", keys.PERSISTENCE))
    endpoints = given.get("endpoints") or _endpoints(connection, tls="ca_cert" in texts)
    if isinstance(endpoints, str):
        endpoints = [part.strip() for part in endpoints.split(",")]
    return Address(tuple(map(str, endpoints)), timeout_seconds=seconds, **texts)


def _path(path: str) -> str:
    if not path.startswith("/") or not path.strip("/"):
        raise SettingsInvalid(
            f"path {path!r} must begin with / and name something: all below it is ours to clear",
            hint=f"leave it out for {keys.PERSISTENCE}",
        )
    return path.rstrip("/")


def _of_connection(connection: str) -> dict[str, str]:
    url = urlsplit(connection)
    given = dict(parse_qsl(url.query))
    user, found, password = url.netloc.rpartition("@")[0].partition(":")
    if user:
        given["user"] = unquote(user)
    if found:
        given["password"] = unquote(password)
    return given


def _endpoints(connection: str, *, tls: bool) -> Sequence[str]:
    url = urlsplit(connection)
    if "://" not in connection:
        return [f"{'https' if tls else 'http'}://127.0.0.1:{DEFAULT_PORT}"]
    scheme = url.scheme.removeprefix("etcd").removeprefix("+") or ("https" if tls else "http")
    hosts, port = _hosts(connection, url)
    return [f"{scheme}://{host}:{port}" for host in hosts]


def _hosts(connection: str, url: SplitResult) -> tuple[list[str], str]:
    """The hosts of ``host-1,host-2:port``, one port for all."""
    place = url.netloc.rpartition("@")[2]
    hosts, _, port = place.rpartition(":") if ":" in place.rpartition("]")[2] else (place, "", "")
    if not hosts or not all(hosts.split(",")) or (port and not port.isdecimal()):
        raise SettingsInvalid(f"{_safe(connection)} names no etcd", hint=_HINT)
    return hosts.split(","), port or str(DEFAULT_PORT)


def _safe(connection: str) -> str:
    """``connection`` without what may be a password."""
    scheme, _, rest = connection.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
