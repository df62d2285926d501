"""Every option of the product, in one place; ``conf/esi-flows.conf.sample`` is made from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keystoneauth1 import loading
from oslo_config import cfg

from esi_flows.model.errors import SettingsInvalid

ETCD_OPTS = [
    cfg.ListOpt(
        "endpoints",
        default=["http://127.0.0.1:2379"],
        help="Client URLs of the etcd members, comma separated. The environment variable "
        "ESI_FLOWS_ETCD_ENDPOINTS goes before this.",
    ),
    cfg.StrOpt("user", default="", help="User name, where etcd's authentication is on."),
    cfg.StrOpt("password", default="", secret=True, help="Password of that user."),
    cfg.StrOpt("ca_cert", default="", help="CA certificate file (PEM) for https endpoints."),
    cfg.StrOpt("cert", default="", help="Client certificate file (PEM)."),
    cfg.StrOpt("key", default="", help="Private key file (PEM) of the client certificate."),
    cfg.FloatOpt(
        "timeout_seconds",
        default=5.0,
        min=0.1,
        help="Deadline of one call. A read is repeated within it; a write is never sent twice.",
    ),
]

CATALOG_OPTS = [
    cfg.StrOpt(
        "path",
        default="",
        help="Folder with resource types and templates. Empty: the environment variable "
        "ESI_FLOWS_CATALOG, else the folder `flows` of the current directory.",
    ),
]

CONDUCTOR_OPTS = [
    cfg.IntOpt(
        "lease_seconds",
        default=5,
        min=2,
        help="Life of a conductor's lease. Another conductor takes over about this long after "
        "one has died; longer outages of etcd than this make a conductor stop its work.",
    ),
    cfg.IntOpt(
        "running_groups",
        default=64,
        min=1,
        help="How many job groups one conductor runs at a time. Waiting groups do not count.",
    ),
    cfg.IntOpt(
        "worker_threads",
        default=8,
        min=1,
        help="Threads for handler steps, shared by all groups. A handler that waits holds none.",
    ),
]

HEAT_OPTS = [
    cfg.StrOpt("region_name", default=None, help="Region of the orchestration service."),
    cfg.StrOpt(
        "interface",
        default="public",
        choices=["public", "internal", "admin"],
        help="Which endpoint of the orchestration service to use.",
    ),
    cfg.FloatOpt(
        "request_timeout_seconds", default=60.0, min=1, help="Deadline of one HTTP request."
    ),
    cfg.FloatOpt(
        "poll_min_seconds",
        default=0.2,
        min=0.01,
        help="Shortest time between two looks at the stacks of one project.",
    ),
    cfg.FloatOpt(
        "poll_max_seconds",
        default=5.0,
        min=0.01,
        help="Longest time between two looks; the interval grows while nothing changes.",
    ),
    cfg.IntOpt(
        "grace_seconds",
        default=60,
        min=0,
        help="Added to a stack's own timeout before the handler gives up on it.",
    ),
]

COLLECTOR_OPTS = [
    cfg.StrOpt(
        "status_url",
        default="",
        help="Service that tells the status of a monitoring target: the target is POSTed there "
        "as JSON, the answer is an object with the member `status`. Empty: no collector runs.",
    ),
    cfg.FloatOpt("interval_seconds", default=10.0, min=0.05, help="Time between two polls."),
    cfg.FloatOpt("timeout_seconds", default=5.0, min=0.05, help="Deadline of one poll."),
]

CLOUD_GROUP = "cloud"

GROUPS: dict[str, Sequence[cfg.Opt]] = {
    "etcd": ETCD_OPTS,
    "catalog": CATALOG_OPTS,
    "conductor": CONDUCTOR_OPTS,
    "heat": HEAT_OPTS,
    "collector": COLLECTOR_OPTS,
}


def list_opts() -> list[tuple[str, list[Any]]]:
    """All options, for oslo.config's sample generator."""
    cloud = [*loading.get_auth_common_conf_options(), *loading.get_session_conf_options()]
    cloud += loading.get_auth_plugin_conf_options("v3password")
    named = [(group, list(options)) for group, options in GROUPS.items()]
    return [*named, (CLOUD_GROUP, cloud)]


def load(config_files: Sequence[str | Path] = ()) -> cfg.ConfigOpts:
    """Read the configuration. Raises SettingsInvalid naming file and option."""
    conf = cfg.ConfigOpts()
    for group, options in GROUPS.items():
        conf.register_opts(options, group=group)
    loading.register_auth_conf_options(conf, CLOUD_GROUP)
    loading.register_session_conf_options(conf, CLOUD_GROUP)
    try:
        conf(args=[], project="esi-flows", default_config_files=[str(f) for f in config_files])
        for group, options in GROUPS.items():
            for option in options:
                conf[group][option.dest]
    except (cfg.Error, ValueError) as error:
        raise SettingsInvalid(
            f"configuration: {error}",
            hint="conf/esi-flows.conf.sample lists every option with its meaning and range",
        ) from error
    return conf


def etcd_endpoints(conf: cfg.ConfigOpts) -> list[str]:
    """The etcd endpoints: from the environment if it names some, else from the configuration."""
    named = os.environ.get("ESI_FLOWS_ETCD_ENDPOINTS", "")
    return [e.strip() for e in named.split(",") if e.strip()] or list(conf.etcd.endpoints)


def catalog_path(conf: cfg.ConfigOpts) -> Path:
    """The catalog's folder."""
    return Path(conf.catalog.path or os.environ.get("ESI_FLOWS_CATALOG", "") or "flows")
