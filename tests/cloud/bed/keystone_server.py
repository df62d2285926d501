"""Keystone as a process: ``python -m tests.cloud.bed.keystone_server FOLDER``."""

from __future__ import annotations

import base64
import os
import sys
import uuid
from pathlib import Path
from typing import Any

from tests.cloud.bed.layout import DOMAIN, PROJECT, REGION, USER, Layout
from tests.cloud.bed.serving import OneAtATime, serve
from tests.cloud.bed.sqlite import lock_at_begin

CONFIGURATION = """\
[DEFAULT]
use_stderr = true
default_log_levels = keystone=ERROR,py.warnings=ERROR
[database]
connection = sqlite:///{folder}/keystone.db?timeout=60
sqlite_synchronous = false
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[identity]
# cheap hashes: these passwords guard nothing
password_hash_rounds = 4
"""


def main(folder: str) -> None:
    """Make what is missing, then serve."""
    layout = Layout.read(folder)
    root = Path(folder)
    (root / "keystone.conf").write_text(CONFIGURATION.format(folder=folder))
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = str(root / "keystone.conf")
    sys.argv[1:] = []  # Keystone would read them
    fresh = not (root / "keystone.db").exists()
    if fresh:
        _make_keys(root / "fernet")
        _make_keys(root / "credential")
    lock_at_begin()

    from keystone.server.wsgi import initialize_public_application

    app = initialize_public_application()
    if fresh:
        from keystone.common.sql import upgrades

        upgrades.offline_sync_database_to_version()
        _populate(layout)
    # one at a time: its middleware keeps a request's token where another request finds it
    serve(app, layout.keystone_port, OneAtATime)


def _make_keys(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for number in ("0", "1"):  # the next one and the one in use
        (folder / number).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))


def _populate(layout: Layout) -> None:
    from keystone.cmd import bootstrap
    from keystone.common.provider_api import ProviderAPIs as Apis

    bootstrap.backends.load_backends = lambda: None  # the application has done it
    first = bootstrap.Bootstrapper()
    first.admin_username, first.admin_password = USER, layout.password
    first.project_name, first.admin_role_name = PROJECT, "admin"
    first.service_name, first.region_id = "keystone", REGION
    first.public_url = first.internal_url = first.admin_url = layout.auth_url
    first.bootstrap()

    roles = {role["name"]: role["id"] for role in Apis.role_api.list_roles()}
    # whoever may do anything in every project there will be
    Apis.assignment_api.create_grant(
        roles["admin"],
        user_id=first.admin_user_id,
        domain_id=DOMAIN,
        inherited_to_projects=True,
    )
    for project_id in layout.projects:
        _make_project(Apis, project_id, project_id)
    _make_heat(Apis, layout, roles)


def _make_project(apis: Any, project_id: str, name: str) -> None:
    apis.resource_api.create_project(
        project_id,
        {
            "id": project_id,
            "name": name,
            "domain_id": DOMAIN,
            "enabled": True,
            "description": "",
        },
    )


def _make_heat(apis: Any, layout: Layout, roles: dict[str, str]) -> None:
    """The service's own user, and where the service is found."""
    project = uuid.uuid4().hex
    _make_project(apis, project, "service")
    user = apis.identity_api.create_user(
        {"name": "heat", "password": layout.password, "domain_id": DOMAIN, "enabled": True}
    )
    for role in ("admin", "service"):
        apis.assignment_api.add_role_to_user_and_project(user["id"], project, roles[role])
    service = uuid.uuid4().hex
    apis.catalog_api.create_service(
        service, {"id": service, "name": "heat", "type": "orchestration", "enabled": True}
    )
    for interface in ("public", "internal", "admin"):
        endpoint = uuid.uuid4().hex
        apis.catalog_api.create_endpoint(
            endpoint,
            {
                "id": endpoint,
                "service_id": service,
                "interface": interface,
                "enabled": True,
                "region_id": REGION,
                "url": f"{layout.heat_url}/v1/%(tenant_id)s",
            },
        )


if __name__ == "__main__":
    main(sys.argv[1])
