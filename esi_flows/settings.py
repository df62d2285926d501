"""Every option of the product, in one place; ``conf/esi-flows.conf.sample`` is made from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keystoneauth1 import loading
from oslo_config import cfg, types

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
        default=2000,
        min=1,
        help="How many job groups one conductor runs at a time. Waiting groups do not count.",
    ),
    cfg.IntOpt(
        "project_groups",
        default=0,
        min=0,
        help="How many of them may be of one project, the tenant of their resources. 0: any. "
        "Projects take turns in any case.",
    ),
    cfg.Opt(
        "handler_groups",
        type=types.Dict(types.Integer(min=1)),
        default={},
        help="How many of them may have jobs of a handler: heat_worker:500,monitoring_worker:100.",
    ),
    cfg.IntOpt(
        "interruptions",
        default=10,
        min=0,
        help="How often a group may be broken off, by the death of its conductor or by what etcd "
        "refuses, before it waits in quarantine for somebody to look at it. 0: any number of "
        "times. Being handed over by a conductor that is stopped does not count.",
    ),
    cfg.Opt(
        "priorities",
        type=types.Dict(types.Integer()),
        default={},
        help="Whose groups go first, by type of resource: network:10,port:-5. Others have 0.",
    ),
    cfg.IntOpt(
        "worker_threads",
        default=8,
        min=1,
        help="Threads for handler steps, shared by all groups. A handler that waits holds none.",
    ),
    cfg.FloatOpt(
        "job_seconds",
        default=0.0,
        min=0,
        help="After this time any job has failed, whatever it waits for. 0: handlers alone decide, "
        "as the one of Heat does by its stack's timeout.",
    ),
    cfg.ListOpt(
        "keep",
        default=[],
        help="What a failed group leaves standing instead of reverting it, as handlers "
        "(heat_worker) or handlers with a resource type (heat_worker:port). It is reported.",
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
        help="Service that tells the status of monitoring targets whose type has no driver: the "
        "target is POSTed there as JSON, the answer is an object with the member `status`. Empty: "
        "such targets have no status.",
    ),
    cfg.FloatOpt(
        "interval_seconds",
        default=10.0,
        min=0.05,
        help="Time between two polls of a target that does not say it itself.",
    ),
    cfg.FloatOpt(
        "timeout_seconds",
        default=5.0,
        min=0.05,
        help="Deadline of one poll of a target that does not say it itself.",
    ),
    cfg.ListOpt(
        "allowed_networks",
        default=[],
        help="Where drivers may connect to: 10.0.0.0/8,2001:db8::/32. Empty: anywhere. It does "
        "not bind status_url.",
    ),
]

LOG_OPTS = [
    cfg.StrOpt(
        "format",
        default="text",
        choices=["text", "json"],
        help="How the services `conductor` and `collector` log: lines to read, or one JSON object "
        "a line.",
    ),
    cfg.StrOpt(
        "level",
        default="INFO",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="The least of what they log; -v means DEBUG.",
    ),
    cfg.StrOpt(
        "config_file",
        default="",
        help="YAML file in the form of Python's logging.config.dictConfig, instead of the two "
        "above; conf/logging.yaml is one to begin with.",
    ),
]

OPERATION_OPTS = [
    cfg.StrOpt(
        "listen_address",
        default="127.0.0.1",
        help="Where the services serve /healthz, /readyz and /metrics over HTTP. Nothing there is "
        "secret, and nobody is asked who they are.",
    ),
    cfg.PortOpt("conductor_port", default=8290, help="Port of the conductor for it; 0: none."),
    cfg.PortOpt("collector_port", default=8291, help="Port of the collector for it; 0: none."),
    cfg.PortOpt("worker_port", default=8293, help="Port of the worker for it; 0: none."),
    cfg.FloatOpt(
        "stuck_seconds",
        default=60.0,
        min=1,
        help="A service whose thread has been at one piece of work for so long is not healthy.",
    ),
]

HISTORY_OPTS = [
    cfg.FloatOpt(
        "keep_days",
        default=30.0,
        min=0,
        help="How long the courses of ended groups are kept. 0: this sets no bound. Pinned ones "
        "stay.",
    ),
    cfg.IntOpt(
        "keep_count",
        default=10000,
        min=0,
        help="How many courses are kept, the newest. 0: this sets no bound. Pinned ones do not "
        "count.",
    ),
    cfg.FloatOpt(
        "interval_seconds",
        default=300.0,
        min=60,
        help="Time between two looks at what is outdated. One conductor looks, and reads the whole "
        "history for it.",
    ),
]

WEB_OPTS = [
    cfg.StrOpt(
        "listen_address",
        default="127.0.0.1",
        help="Where `esi-flows web` serves its pages. Elsewhere than on loopback it needs a "
        "token_file.",
    ),
    cfg.PortOpt("port", default=8292, help="Port of the pages."),
    cfg.StrOpt(
        "token_file",
        default="",
        help="File with lines NAME:TOKEN of those who may look. Empty: nobody is asked.",
    ),
]

WORKERS_OPTS = [
    cfg.StrOpt(
        "url",
        default="",
        secret=True,
        help="Broker between conductors and workers: redis://, rediss://, amqp:// or amqps://. "
        "Parameters of jobs, and so passwords, travel through it. Empty: there are no workers.",
    ),
    cfg.Opt(
        "handlers",
        type=types.Dict(types.String()),
        default={},
        help="Whose jobs workers run, with the topic they listen to: heat_worker:heat.",
    ),
    cfg.IntOpt("jobs", default=64, min=1, help="Jobs, and threads, of one worker at a time."),
    cfg.FloatOpt(
        "take_seconds",
        default=60.0,
        min=1,
        help="After this time a job that no worker has begun is sent again.",
    ),
    cfg.FloatOpt(
        "wait_seconds",
        default=600.0,
        min=1,
        help="After this time a job that no worker has begun has failed.",
    ),
    cfg.FloatOpt(
        "beat_seconds", default=5.0, min=0.1, help="How often a worker tells that it is at a job."
    ),
    cfg.FloatOpt(
        "lost_seconds",
        default=20.0,
        min=1,
        help="A worker that was not heard of for so long is lost: others get its jobs.",
    ),
]

CLOUD_GROUP = "cloud"

_HINT = "conf/esi-flows.conf.sample lists every option with its meaning and range"

GROUPS: dict[str, Sequence[cfg.Opt]] = {
    "etcd": ETCD_OPTS,
    "catalog": CATALOG_OPTS,
    "conductor": CONDUCTOR_OPTS,
    "heat": HEAT_OPTS,
    "collector": COLLECTOR_OPTS,
    "log": LOG_OPTS,
    "operation": OPERATION_OPTS,
    "history": HISTORY_OPTS,
    "workers": WORKERS_OPTS,
    "web": WEB_OPTS,
}


def list_opts() -> list[tuple[str, list[Any]]]:
    """All options, for oslo.config's sample generator."""
    cloud = [*loading.get_auth_common_conf_options(), *loading.get_session_conf_options()]
    cloud += loading.get_auth_plugin_conf_options("v3password")
    named = [(group, list(options)) for group, options in GROUPS.items()]
    return [*named, (CLOUD_GROUP, cloud)]


def load(
    config_files: Sequence[str | Path] = (), config_dirs: Sequence[str | Path] = ()
) -> cfg.ConfigOpts:
    """Read the configuration. Raises SettingsInvalid naming file and option.

    Of ``config_dirs`` every ``*.conf`` is read, in the order of their names, after the files.
    """
    conf = read(config_files, config_dirs)
    for group, options in GROUPS.items():
        for option in options:
            value_of(conf, group, option.dest)
    return conf


def read(
    config_files: Sequence[str | Path] = (), config_dirs: Sequence[str | Path] = ()
) -> cfg.ConfigOpts:
    """The configuration, no value of which has been looked at yet. Raises SettingsInvalid."""
    conf = cfg.ConfigOpts()
    for group, options in GROUPS.items():
        conf.register_opts(options, group=group)
    loading.register_auth_conf_options(conf, CLOUD_GROUP)
    loading.register_session_conf_options(conf, CLOUD_GROUP)
    for folder in config_dirs:
        if not Path(folder).is_dir():
            raise SettingsInvalid(f"configuration: {folder} is not a folder", hint=_HINT)
    try:
        conf(
            args=[],
            project="esi-flows",
            default_config_files=[str(f) for f in config_files],
            default_config_dirs=[str(d) for d in config_dirs] or None,
        )
    except (cfg.Error, OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"configuration: {error}", hint=_HINT) from error
    return conf


def value_of(conf: cfg.ConfigOpts, group: str, name: str) -> Any:
    """One value. Raises SettingsInvalid where what is configured is not in its range."""
    try:
        return conf[group][name]
    except (cfg.Error, ValueError) as error:
        reason = str(error).rpartition(" is not valid: ")[2]
        raise SettingsInvalid(f"configuration: [{group}] {name}: {reason}", hint=_HINT) from error


def etcd_endpoints(conf: cfg.ConfigOpts) -> list[str]:
    """The etcd endpoints: from the environment if it names some, else from the configuration."""
    named = os.environ.get("ESI_FLOWS_ETCD_ENDPOINTS", "")
    return [e.strip() for e in named.split(",") if e.strip()] or list(conf.etcd.endpoints)


def catalog_path(conf: cfg.ConfigOpts) -> Path:
    """The catalog's folder."""
    return Path(conf.catalog.path or os.environ.get("ESI_FLOWS_CATALOG", "") or "flows")
