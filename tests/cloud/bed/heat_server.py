"""Heat as a process, API and engine in one: ``python -m tests.cloud.bed.heat_server FOLDER``."""

from __future__ import annotations

import sys
import time
import types
from pathlib import Path

from tests.cloud.bed.layout import DOMAIN, REGION, Layout
from tests.cloud.bed.serving import Threaded, serve
from tests.cloud.bed.sqlite import lock_at_begin, never_reuse_ids

CONFIGURATION = """\
[DEFAULT]
host = bed
use_stderr = true
default_log_levels = heat=WARNING,heat.engine.environment=ERROR,keystonemiddleware=ERROR
# messages stay in the process: no broker
transport_url = fake://
convergence_engine = {convergence}
auth_encryption_key = 0123456789abcdef0123456789abcdef
environment_dir = {folder}/environment.d
template_dir = {folder}/templates
plugin_dirs = {plugins}
max_stacks_per_tenant = -1
# no resource of ours acts on its user's behalf later on: no trusts are needed
deferred_auth_method = password
region_name_for_services = {region}
[database]
connection = sqlite:///{folder}/heat.db?timeout=60
sqlite_synchronous = false
[paste_deploy]
api_paste_config = {prefix}/etc/heat/api-paste.ini
[keystone_authtoken]
www_authenticate_uri = {keystone}
auth_url = {keystone}
auth_type = password
username = heat
password = {password}
project_name = service
user_domain_id = {domain}
project_domain_id = {domain}
[trustee]
auth_type = password
auth_url = {keystone}
username = heat
password = {password}
user_domain_id = {domain}
[clients_keystone]
auth_uri = {keystone}
"""


def main(folder: str) -> None:
    """Make what is missing, then serve."""
    layout = Layout.read(folder)
    _configure(layout)

    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
    lock_at_begin()

    import oslo_i18n
    from heat.common import config, messaging
    from heat.engine import service
    from heat.rpc import api
    from oslo_config import cfg
    from oslo_log import log

    oslo_i18n.enable_lazy()
    log.register_options(cfg.CONF)
    cfg.CONF(["--config-file", f"{folder}/heat.conf"], project="heat", prog="heat-api")
    log.setup(cfg.CONF, "heat")
    config.set_config_defaults()
    messaging.setup()
    _sleep_less()
    _make_schema()
    service.EngineService(cfg.CONF.host, api.ENGINE_TOPIC).start()
    serve(config.load_paste_app("heat-api"), layout.heat_port, Threaded)


def _configure(layout: Layout) -> None:
    folder = Path(layout.folder)
    for name in ("environment.d", "templates"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "heat.conf").write_text(
        CONFIGURATION.format(
            folder=folder,
            plugins=Path(__file__).parent / "plugins",
            prefix=sys.prefix,
            keystone=layout.keystone_url,
            password=layout.password,
            domain=DOMAIN,
            region=REGION,
            convergence=layout.convergence,
        )
    )


def _sleep_less() -> None:
    """Heat sleeps a second here and there, where nothing is to be waited for but the next look."""
    from heat.engine import scheduler, stack
    from oslo_messaging._drivers import impl_fake

    stack.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(0))
    scheduler.TaskRunner._sleep = lambda self, seconds: (
        None if seconds is None else time.sleep(min(seconds, 0.05))
    )
    impl_fake.time = types.SimpleNamespace(
        time=time.time, sleep=lambda seconds: time.sleep(min(seconds, 0.005))
    )


def _make_schema() -> None:
    from heat.db import api, models

    never_reuse_ids(models.BASE.metadata)
    engine = api.get_engine()
    models.BASE.metadata.create_all(engine)
    connection = engine.raw_connection()
    connection.cursor().execute("PRAGMA journal_mode=WAL")
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
