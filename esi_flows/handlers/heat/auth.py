"""Keystone sessions: the operator's credential, scoped to each resource's own project."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import loading, session
from oslo_config import cfg

from esi_flows.handlers.heat.client import Clouds
from esi_flows.model.errors import SettingsInvalid
from esi_flows.settings import CLOUD_GROUP

LOG = logging.getLogger(__name__)

_HINT = (
    "set auth_type, auth_url, username, password, ... in the section [cloud] of the configuration, "
    "or the OS_* variables that `openstack` uses"
)


def session_factory(conf: cfg.ConfigOpts) -> Callable[[str], session.Session]:
    """Makes the session of a project ("" for the credential's own). Raises SettingsInvalid.

    The credential comes from the section ``[cloud]`` if that names an ``auth_type``, else from the
    OS_* variables of the environment. Tokens are kept until they are about to expire.
    """
    options = _conf_options(conf) if conf[CLOUD_GROUP].auth_type else _environment_options()
    verify, cert = _tls(conf[CLOUD_GROUP])
    _require_password(options)
    load_auth(options, "")

    def make(project_id: str) -> session.Session:
        return session.Session(
            auth=load_auth(options, project_id),
            verify=verify,
            cert=cert,
            timeout=conf.heat.request_timeout_seconds,
        )

    return make


def check_credential(scoped: session.Session) -> None:
    """Ask for a token once. Raises SettingsInvalid where the credential is refused.

    A Keystone that does not answer is no reason not to start: it may come back.
    """
    try:
        scoped.get_token()
    except auth_exceptions.Unauthorized as error:
        raise SettingsInvalid(f"the cloud refuses the credential: {error}", hint=_HINT) from error
    except auth_exceptions.ClientException as error:
        LOG.warning("the cloud does not answer yet", extra={"error": str(error)})


def _require_password(options: dict[str, Any]) -> None:
    if options["auth_type"] in ("password", "v3password") and not options.get("password"):
        raise SettingsInvalid("cloud credentials: the password is missing", hint=_HINT)


def _tls(cloud: Any) -> tuple[bool | str, str | tuple[str, str] | None]:
    """What to check the servers' certificates with, and our own certificate."""
    verify = False if cloud.insecure else cloud.cafile or os.environ.get("OS_CACERT") or True
    if cloud.certfile and cloud.keyfile:
        return verify, (cloud.certfile, cloud.keyfile)
    return verify, cloud.certfile


def load_auth(options: dict[str, Any], project_id: str) -> Any:
    """The keystoneauth plug-in, scoped to a project. Raises SettingsInvalid."""
    scoped = dict(options)
    auth_type = scoped.pop("auth_type")
    if project_id and "application_credential" not in auth_type:
        for name in ("project_name", "tenant_name", "tenant_id", "project_domain_id"):
            scoped.pop(name, None)
        scoped.pop("project_domain_name", None)
        scoped["project_id"] = project_id
    try:
        loader: Any = loading.get_plugin_loader(auth_type)
        known = {option.dest for option in loader.get_options()}
        return loader.load_from_options(**{k: v for k, v in scoped.items() if k in known})
    except (auth_exceptions.ClientException, auth_exceptions.MissingRequiredOptions) as error:
        raise SettingsInvalid(f"cloud credentials: {error}", hint=_HINT) from error


def make_clouds(conf: cfg.ConfigOpts) -> Clouds:
    """Heat after the sections ``[cloud]`` and ``[heat]``. Raises SettingsInvalid."""
    make_session = session_factory(conf)
    check_credential(make_session(""))
    return Clouds(
        make_session,
        region_name=conf.heat.region_name or os.environ.get("OS_REGION_NAME"),
        interface=conf.heat.interface,
    )


def _conf_options(conf: cfg.ConfigOpts) -> dict[str, Any]:
    auth_type = conf[CLOUD_GROUP].auth_type
    try:
        wanted = loading.get_plugin_loader(auth_type).get_options()
    except auth_exceptions.NoMatchingPlugin as error:
        raise SettingsInvalid(f"cloud credentials: {error}", hint=_HINT) from error
    conf.register_opts([option._to_oslo_opt() for option in wanted], group=CLOUD_GROUP)
    named = {option.dest: conf[CLOUD_GROUP][option.dest] for option in wanted}
    return {"auth_type": auth_type, **{k: v for k, v in named.items() if v is not None}}


def _environment_options() -> dict[str, Any]:
    found = {
        name.removeprefix("OS_").lower(): value
        for name, value in os.environ.items()
        if name.startswith("OS_") and value
    }
    if "auth_url" not in found:
        raise SettingsInvalid("no cloud is configured", hint=_HINT)
    return {"auth_type": "password", **found}
