"""Whether what a configuration names can be used: etcd, certificates, catalog, handlers."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from esi_flows import settings
from esi_flows.handlers.registry import try_handlers
from esi_flows.model import keys
from esi_flows.model.errors import (
    EsiFlowsError,
    Finding,
    ServerError,
    SettingsInvalid,
    Severity,
    StoreError,
    StoreUnavailable,
)
from esi_flows.operation import logs
from esi_flows.store import etcd

_PROBED_KEY = keys.OURS


def finding(where: str, error: EsiFlowsError) -> Finding:
    """An error of ours as a finding."""
    return Finding(where, error.message.removeprefix(f"{where}: "), error.hint)


def warning(where: str, what: str, hint: str = "") -> Finding:
    """What can be used, and is probably not what was meant."""
    return Finding(where, what, hint, severity=Severity.WARNING)


def check_etcd(conf: Any, endpoints: Sequence[str]) -> Iterator[Finding]:
    """Whether every endpoint answers; one of several that does not is only a warning."""
    access = conf.etcd
    wrong = [*_certificates("etcd", access.ca_cert, access.cert, access.key)]
    yield from wrong
    silent = []
    for endpoint in endpoints:
        try:
            if wrong:
                _knock(endpoint)  # that it is there is all that can be told without certificates
            else:
                _ask(conf, endpoint)
        except SettingsInvalid as error:
            yield finding("[etcd]", error)
        except (StoreError, ServerError) as error:
            silent.append(finding(f"[etcd] endpoints: {endpoint}", error))
    some_answer = len(silent) < len(endpoints)
    for found in silent:
        yield replace(found, severity=Severity.WARNING) if some_answer else found


def _ask(conf: Any, endpoint: str) -> None:
    """Ask one endpoint for something. Raises SettingsInvalid, ServerError, StoreError."""
    access = conf.etcd
    store = etcd.connect(
        [endpoint],
        user=access.user,
        password=access.password,
        ca_cert=access.ca_cert,
        cert=access.cert,
        key=access.key,
        timeout_seconds=access.timeout_seconds,
    )
    try:
        store.get(_PROBED_KEY)
    finally:
        store.close()


def _knock(endpoint: str) -> None:
    """Raises StoreUnavailable where nobody listens."""
    url = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    try:
        socket.create_connection((url.hostname or "", url.port or 2379), timeout=1.0).close()
    except OSError as error:
        raise StoreUnavailable(f"nobody listens there: {error.strerror or error}") from error


def _certificates(group: str, ca_cert: str, cert: str, key: str) -> Iterator[Finding]:
    """What is wrong with PEM files."""
    context = ssl.create_default_context()
    for file in filter(None, (ca_cert, cert, key)):
        try:
            if file == ca_cert:
                context.load_verify_locations(file)
            elif file == cert:
                # an empty password: a key that has one is refused, not asked for
                context.load_cert_chain(file, key or None, password="")
            else:
                Path(file).read_bytes()
        except ssl.SSLError as error:
            reason = (error.reason or "not in PEM").replace("_", " ").lower()
            yield Finding(f"[{group}] {file}", f"cannot be used: {reason}")
        except OSError as error:
            yield Finding(f"[{group}] {file}", f"cannot be read: {error.strerror}")


def check_handlers(conf: Any) -> Iterator[Finding]:
    """What handlers refuse, and what they warn of while they are made."""
    cloud = conf[settings.CLOUD_GROUP]
    files = (cloud.cafile, cloud.certfile, cloud.keyfile)
    yield from _certificates("cloud", *(file or "" for file in files))
    with _heard("esi_flows.handlers") as records:
        handlers, refused = try_handlers(conf)
        for handler in handlers.values():
            handler.close()
    for name, error in refused.items():
        yield finding(f"handler {name}", error)
    for record in records:
        said = getattr(record, "error", "")
        yield warning("handlers", f"{record.getMessage()}" + (f": {said}" if said else ""))


@contextmanager
def _heard(name: str) -> Iterator[list[logging.LogRecord]]:
    """The warnings that loggers below ``name`` give in the block, instead of their being shown."""
    listener = _Listener(logging.WARNING)
    logger = logging.getLogger(name)
    propagate, level = logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logger.addHandler(listener)
    try:
        yield listener.records
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
        logger.propagate = propagate


class _Listener(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def check_operation(conf: Any) -> Iterator[Finding]:
    """Whether its own address, and its logging, can be had."""
    address = conf.operation.listen_address
    try:
        family, *_, found = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.bind(found)
    except OSError as error:
        yield Finding("[operation] listen_address", f"{address}: {error.strerror}")
    if conf.log.config_file:
        try:
            logs.read_config(Path(conf.log.config_file))
        except SettingsInvalid as error:
            yield finding("[log] config_file", error)
