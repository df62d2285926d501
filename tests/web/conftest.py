"""The pages on a real etcd, and a real Chromium that looks at them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, ResourceRef, group_name
from esi_flows.store.base import Store
from esi_flows.store.etcd import EtcdStore
from esi_flows.web.access import Tokens
from esi_flows.web.folders import read_folders
from esi_flows.web.server import WebServer
from tests.cli.conftest import FLOWS

ALICE = "a-token-of-alices-very-own"

MakeSite = Callable[..., WebServer]
Open = Callable[..., Page]


def address(site: WebServer, path: str = "/") -> str:
    return f"http://127.0.0.1:{site.port}{path}"


def put_group(store: Store, identifier: str, *, type: str = "network", **changes: Any) -> str:
    """The record of a group of one job; its name."""
    resource = ResourceRef(type, identifier)
    name = group_name(resource, 1)
    record = GroupRecord(
        name=name,
        action=Action.CREATE,
        resource=resource,
        version=1,
        job_ids=(f"create:heat_worker:{name}:aaaaa",),
        posted_at=1000.0,
    )
    store.put(keys.group(name), record.but(**changes).encode())
    return name


def failed(error: str) -> dict[str, Any]:
    """What a record has of a group that failed and was reverted."""
    return {"state": GroupState.REVERTED, "error": error, "started_at": 1001.0, "ended_at": 1002.0}


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(FLOWS)


@pytest.fixture
def make_site(store: EtcdStore, catalog: Catalog) -> Iterator[MakeSite]:
    """Serves the pages on a free port; all are stopped at the end."""
    made: list[WebServer] = []

    def make(on: Store = store, *, acts: bool = False, port: int = 0, **by_name: str) -> WebServer:
        site = WebServer(
            on,
            catalog,
            address="127.0.0.1",
            port=port,
            tokens=Tokens(by_name),
            person="carol@host",
            folders=read_folders(FLOWS / "deployments", catalog),
            acts=acts,
        )
        made.append(site)
        site.start()
        assert site.live.wait_synced(10)
        return site

    yield make
    for site in made:
        site.stop()


@pytest.fixture
def site(make_site: MakeSite) -> WebServer:
    return make_site()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of the system. Without one: skipped at home, failed in CI."""
    program = shutil.which("chromium")
    if program is None:
        reason = "there is no chromium; `apt-get install chromium` installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens pages; none may break its own content security policy or raise an error."""
    contexts, wrong = [], []

    def open_one(url: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: wrong.append(said.text) if "Content Security" in said.text else None,
        )
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []
