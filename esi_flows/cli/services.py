"""Opens what commands work with, as the options and the configuration say."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import esi_flows
from esi_flows import settings
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.cli import options
from esi_flows.collector.drivers import Drivers, Surroundings, load_drivers
from esi_flows.collector.networks import Networks
from esi_flows.collector.probe import HttpProbe
from esi_flows.collector.service import Collector
from esi_flows.conductor.service import Conductor, ConductorSettings
from esi_flows.conductor.turns import Limits
from esi_flows.engine.collecting import collect_rarely
from esi_flows.engine.run import Policy, keeping
from esi_flows.handlers.base import Handler
from esi_flows.handlers.registry import load_handlers
from esi_flows.history.retention import Keep
from esi_flows.model.errors import InvalidInput, SettingsInvalid, StoreUnavailable
from esi_flows.store import etcd
from esi_flows.store.base import Store
from esi_flows.store.embedded import EmbeddedEtcd


@dataclass(frozen=True, slots=True)
class Services:
    """An open store and a loaded catalog; ``conf`` is the configuration (oslo.config)."""

    store: Store
    catalog: Catalog
    conf: Any
    endpoints: tuple[str, ...]


@contextmanager
def open_services(given: argparse.Namespace, catalog: Catalog | None = None) -> Iterator[Services]:
    """Store and catalog for one command. The catalog is checked before the store is opened.

    A sandbox is joined, or its etcd started; never made. Raises SettingsInvalid, InvalidInput,
    ServerError, StoreUnavailable.
    """
    conf = load_settings(given)
    catalog = catalog or load_catalog(catalog_folder(given, conf))
    with ExitStack() as stack:
        endpoints = list(options.endpoints(given.etcd))
        if given.data is not None and not endpoints:
            _require_sandbox(given.data)
            endpoints = [stack.enter_context(EmbeddedEtcd(etcd_folder(given.data))).endpoint]
        endpoints = endpoints or settings.etcd_endpoints(conf)
        access = conf.etcd
        store = etcd.connect(
            endpoints,
            user=access.user,
            password=access.password,
            ca_cert=access.ca_cert,
            cert=access.cert,
            key=access.key,
            timeout_seconds=access.timeout_seconds,
        )
        stack.callback(store.close)
        if not _is_named(given, conf):
            _require_default_etcd(endpoints[0])
        yield Services(store, catalog, conf, tuple(endpoints))


def _is_named(given: argparse.Namespace, conf: Any) -> bool:
    if given.etcd or given.data is not None or os.environ.get("ESI_FLOWS_ETCD_ENDPOINTS"):
        return True
    return bool(conf.get_location("endpoints", "etcd").location.is_user_controlled)


def _require_default_etcd(endpoint: str) -> None:
    """Raises StoreUnavailable at once where nobody has named an etcd and none is in its place."""
    url = urlsplit(endpoint)
    try:
        socket.create_connection((url.hostname or "", url.port or 0), timeout=1.0).close()
    except OSError as error:
        raise StoreUnavailable(
            f"no etcd was named, and none answers at {endpoint}: {error.strerror or error}",
            hint="name one with --etcd or --data, source the lines that `esi-flows sandbox` "
            "prints, or try `esi-flows run DIR --sandbox`",
        ) from error


def _require_sandbox(data: Path) -> None:
    if data.exists() and not data.is_dir():
        raise InvalidInput(f"{data} is not a folder", hint="name a folder with --data")
    if not etcd_folder(data).is_dir():
        raise InvalidInput(
            f"there is no sandbox in {data}",
            hint=f"esi-flows sandbox --data {shlex.quote(str(data))}",
        )


def open_catalog(given: argparse.Namespace) -> Catalog:
    """The catalog alone. Raises SettingsInvalid, InvalidInput."""
    return load_catalog(catalog_folder(given, load_settings(given)))


def load_settings(given: argparse.Namespace) -> Any:
    """The configuration, as the options say. Raises SettingsInvalid."""
    return settings.load(given.config_file, given.config_dir)


def catalog_folder(given: argparse.Namespace, conf: Any) -> Path:
    """The catalog's folder: as given, as configured, or that of the checkout we run from."""
    if given.flows is not None:
        return Path(given.flows)
    configured = settings.catalog_path(conf)
    beside = Path(esi_flows.__file__).parents[1] / "flows"
    if configured == Path("flows") and not configured.is_dir() and beside.is_dir():
        return beside
    return configured


def etcd_folder(data: Path) -> Path:
    """Where a sandbox keeps its etcd."""
    return data / "etcd"


def cloud_folder(data: Path) -> Path:
    """Where a sandbox keeps its cloud."""
    return data / "cloud"


@contextmanager
def at_work(services: Services) -> Iterator[None]:
    """A conductor (and a collector where one is configured) in this process, while in the block.

    Raises SettingsInvalid before anything is started where no cloud is configured.
    """
    with ExitStack() as stack:
        handlers = stack.enter_context(open_handlers(services.conf))
        conductor = make_conductor(services, stack.enter_context(routed(services.conf, handlers)))
        conductor.start()
        stack.callback(conductor.stop)
        collect_rarely()
        if services.conf.collector.status_url:
            collector = stack.enter_context(open_collector(services))
            collector.start()
            stack.callback(collector.stop)
        yield


@contextmanager
def open_handlers(conf: Any) -> Iterator[dict[str, Handler]]:
    """Every installed handler, as long as the block runs. Raises SettingsInvalid."""
    with ExitStack() as stack:
        handlers = load_handlers(conf)
        for handler in handlers.values():
            stack.callback(handler.close)
        yield handlers


@contextmanager
def routed(conf: Any, handlers: Mapping[str, Handler]) -> Iterator[dict[str, Handler]]:
    """The same handlers, but those that are given to workers. Raises SettingsInvalid."""
    routes = conf.workers.handlers
    if not routes:
        yield dict(handlers)
        return
    require_workers(conf)
    from esi_flows.worker.remote import Link, Patience, RemoteHandler

    patience = Patience(
        take_seconds=conf.workers.take_seconds,
        wait_seconds=conf.workers.wait_seconds,
        lost_seconds=conf.workers.lost_seconds,
    )
    with ExitStack() as stack:
        links: dict[str, Link] = {}
        for topic in sorted(set(routes.values())):
            links[topic] = Link(topic, conf.workers.url, patience=patience)
            stack.callback(links[topic].close)
        remote = {name: RemoteHandler(links[topic]) for name, topic in routes.items()}
        yield {**handlers, **remote}


def require_workers(conf: Any) -> None:
    """Raises SettingsInvalid where there can be no workers: no broker, or no kombu."""
    if not conf.workers.url:
        raise SettingsInvalid("no broker is named", hint="set url in the section [workers]")
    if importlib.util.find_spec("kombu") is None:
        raise SettingsInvalid(
            "workers need kombu, which is not installed", hint="pip install esi-flows[workers]"
        )


def make_conductor(services: Services, handlers: Mapping[str, Handler]) -> Conductor:
    """A conductor as configured; it is not started."""
    conf, history = services.conf.conductor, services.conf.history
    return Conductor(
        services.store,
        services.catalog,
        handlers,
        ConductorSettings(
            lease_seconds=conf.lease_seconds,
            running_groups=conf.running_groups,
            limits=Limits(project=conf.project_groups, handlers=conf.handler_groups),
            priorities=conf.priorities,
            worker_threads=conf.worker_threads,
            keep_courses=Keep(days=history.keep_days, count=history.keep_count),
            interruptions=conf.interruptions,
            housekeeping_seconds=history.interval_seconds,
            policy=Policy(keeps=keeping(conf.keep), job_seconds=conf.job_seconds),
        ),
    )


@contextmanager
def open_collector(services: Services) -> Iterator[Collector]:
    """A collector as configured, which is not started; its connections end with the block.

    Raises SettingsInvalid.
    """
    conf = services.conf.collector
    with ExitStack() as stack:
        by_type = load_drivers(Surroundings(Networks(conf.allowed_networks)))
        other = None
        if conf.status_url:
            other = HttpProbe(conf.status_url, timeout_seconds=conf.timeout_seconds)
            stack.callback(other.close)
        yield Collector(
            services.store,
            Drivers(by_type, other=other, seconds=conf.timeout_seconds),
            name=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
            interval_seconds=conf.interval_seconds,
            lease_seconds=services.conf.conductor.lease_seconds,
        )
