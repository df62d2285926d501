"""What somebody sees and does in a real Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupState
from esi_flows.sandbox.cloud import Cloud
from esi_flows.sandbox.faults import Fault, FaultKind
from esi_flows.store.base import Put
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore, connect
from esi_flows.web.server import WebServer
from tests.cli.conftest import FLOWS
from tests.cli.serving import Serving, config_file
from tests.web.conftest import ALICE, MakeSite, Open, address, failed, put_group

pytestmark = [pytest.mark.etcd, pytest.mark.browser]

FOLDER = FLOWS / "deployments" / "logical_network"
MANY = 5000
USABLE_SECONDS = 3.0
"""Until a page of many groups is there, on a machine that does other things too."""
XSS = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>"
WAIT = 20_000


def until_live(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("Live", timeout=WAIT)


def mark(page: Page) -> None:
    """Leave something that is gone when the page is loaded again."""
    page.evaluate("window.stayed = true")


def stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


@pytest.fixture
def populated(store: EtcdStore) -> EtcdStore:
    """A group in each state that pages show differently, and something in quarantine."""
    put_group(store, "good", state=GroupState.SUCCESS, started_at=1001.0, ended_at=1002.0)
    put_group(store, "bad", **failed("Quota exceeded"))
    put_group(store, "waits", waits_for=("create:heat_worker:network:bad:1:aaaaa",))
    put_group(store, "runs", state=GroupState.RUNNING, started_at=1001.0, conductor="c1")
    put_group(store, "held", state=GroupState.SUSPENDED)
    put_group(store, "9dd2540c-934c-4db7-bc33-83059bf6905d", state=GroupState.SUCCESS)
    store.put(keys.claim("network:runs:1"), codec.dumps({"holder": "c1"}))
    store.put(keys.conductor("c1"), codec.dumps({"host": "h"}))
    path = keys.config(keys.ResourcePath("v2.0/networks", "odd"))
    store.put(keys.quarantine(path), codec.dumps({"reason": "no JSON", "hint": "mend it"}))
    record = {"template": "a: 1\nb: 2", "parameters": {"name": "n", "password": "hush"}}
    stack = keys.stack_record(keys.ResourcePath("v2.0/networks", "bad"))
    store.put(stack, codec.dumps({**record, "template": "a: 1"}))
    store.put(stack, codec.dumps(record))
    return store


def test_a_deployment_is_seen_to_run_and_a_failing_job_to_be_reverted(
    site: WebServer, open_page: Open, store: EtcdStore, etcd: EmbeddedEtcd, tmp_path: Path
) -> None:
    with Cloud(tmp_path / "cloud", speed=50.0) as cloud:
        cloud.faults.add(
            Fault(kind=FaultKind.FAIL, stack="port_*", action="CREATE", reason="Quota exceeded")
        )
        cloud.faults.add(
            Fault(kind=FaultKind.SLOW, stack="network_*", action="CREATE", seconds=2.0)
        )
        file = config_file(tmp_path, [etcd.endpoint])
        conductor = Serving("conductor", file, environment=cloud.environment())
        try:
            page = open_page(address(site))
            until_live(page)
            mark(page)
            words = ["apply", str(FOLDER), "--etcd", etcd.endpoint, "--flows", str(FLOWS)]
            program = [sys.executable, "-m", "esi_flows.cli.app", *words]
            subprocess.run(program, check=True, capture_output=True)
            expect(page.locator("main .rows .running").first).to_be_visible(timeout=WAIT)
            page.reload()  # in the middle
            until_live(page)
            mark(page)
            bad = page.locator("section", has_text="Needs somebody")
            expect(bad.locator("tbody tr")).to_have_count(3, timeout=WAIT)
            assert stayed(page)
            bad.locator("a.name").first.click()
            expect(page.locator("h2#why")).to_have_text("Why it failed")
            expect(page.locator("main")).to_contain_text("virtual_machine_interface")
            expect(page.locator("main")).to_contain_text("esi-flows retry port:")
        finally:
            conductor.close()


def test_an_open_page_catches_up_after_a_restart_of_etcd(
    make_site: MakeSite, open_page: Open, etcd_program: Path, tmp_path: Path
) -> None:
    with EmbeddedEtcd(tmp_path / "own") as server:
        store = connect([server.endpoint])
        try:
            name = put_group(store, "n1", state=GroupState.RUNNING, started_at=1001.0)
            site = make_site(store)
            page = open_page(address(site, f"/groups/{name}"))
            until_live(page)
            mark(page)
            server.process.kill()
            server.restart()
            put_group(store, "n1", **failed("Quota exceeded"))
            expect(page.locator("h2#why")).to_be_visible(timeout=WAIT)
            assert stayed(page)
            site.stop()
        finally:
            store.close()


def test_an_open_page_says_that_it_is_old_and_catches_up_with_a_new_server(
    make_site: MakeSite, open_page: Open, store: EtcdStore
) -> None:
    first = make_site()
    page = open_page(address(first))
    until_live(page)
    mark(page)
    first.stop()
    expect(page.locator("#live")).to_contain_text("Reconnecting", timeout=WAIT)
    put_group(store, "n1", **failed("Quota exceeded"))
    make_site(port=first.port)
    until_live(page)
    expect(page.locator("main")).to_contain_text("Quota exceeded", timeout=WAIT)
    assert stayed(page)


def test_an_open_page_sees_a_conductor_go_and_another_go_on(
    site: WebServer, open_page: Open, store: EtcdStore
) -> None:
    name = put_group(store, "n1", state=GroupState.RUNNING, started_at=1001.0, attempts=1)
    for conductor in ("c1", "c2"):
        lease = store.grant(60)
        store.put(keys.conductor(conductor), b"{}", lease=lease)
        store.put(keys.claim(name), codec.dumps({"holder": conductor}), lease=lease)
        if conductor == "c1":
            page = open_page(address(site, "/conductors"))
            expect(page.locator("#conductor-c1")).to_contain_text("network:n1:1", timeout=WAIT)
            store.revoke(lease)
            expect(page.locator("main")).to_contain_text("Nobody has these", timeout=WAIT)
    expect(page.locator("#conductor-c2")).to_contain_text("network:n1:1", timeout=WAIT)
    expect(page.locator("main")).not_to_contain_text("Nobody has these")


def test_many_groups_are_folded_and_found(
    make_site: MakeSite, open_page: Open, store: EtcdStore
) -> None:
    put_group(store, "template")
    found = store.get(keys.group("network:template:1"))
    assert found is not None
    for start in range(0, MANY, 100):
        names = [f"n{number:05}" for number in range(start, start + 100)]
        store.txn(
            [],
            [
                Put(keys.group(f"network:{n}:1"), found.value.replace(b"template", n.encode()))
                for n in names
            ],
        )
    put_group(store, "worst", **failed("Quota exceeded"))
    site = make_site()
    before = time.monotonic()
    page = open_page(address(site, "/groups"))
    took = time.monotonic() - before
    assert took < USABLE_SECONDS
    expect(page.locator("#found")).to_have_text(f"{MANY + 2} of {MANY + 2} groups")
    expect(page.locator("tbody tr").first).to_contain_text("worst")
    assert page.locator("tbody tr").count() < 200
    page.get_by_role("link", name=re.compile("All .* of network")).click()
    expect(page.get_by_text("Page 1 of 51")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Page 2 of 51")).to_be_visible()
    page.get_by_label("Search").fill("n04321")
    page.get_by_label("Search").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "q=n04321" in page.url


def test_without_javascript_everything_can_be_read(
    populated: EtcdStore, make_site: MakeSite, open_page: Open
) -> None:
    page = open_page(address(make_site()), java_script_enabled=False)
    expect(page.locator("#live")).to_have_text("as it was when it was loaded")
    page.get_by_role("link", name="Groups", exact=True).click()
    page.get_by_label("Search").fill("bad")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="network:bad:1").click()
    expect(page.locator("pre").first).to_have_text("Quota exceeded")


def test_names_and_errors_are_only_text(
    store: EtcdStore, make_site: MakeSite, open_page: Open
) -> None:
    name = put_group(store, XSS, type=XSS, **failed(XSS))
    store.put(keys.quarantine("/config/x"), codec.dumps({"reason": XSS, "hint": XSS}))
    store.put(keys.conductor(XSS), b"{}")
    store.put(keys.claim(name), codec.dumps({"holder": XSS}))
    site = make_site(acts=True)
    page = open_page(address(site))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    for path in ("/", "/groups", f"/groups?q={XSS}&type={XSS}", "/quarantine", "/conductors"):
        page.goto(address(site, path))
        until_live(page)
        assert page.locator("main img, main script").count() == 0
    page.goto(address(site, "/groups"))
    page.locator("a.name").first.click()
    expect(page.locator("pre").first).to_have_text(XSS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    populated: EtcdStore, make_site: MakeSite, open_page: Open, scheme: str
) -> None:
    site, closed = make_site(acts=True), make_site(alice=ALICE)
    page = open_page(address(site), color_scheme=scheme)
    paths = ["/", "/deployments/logical_network", "/groups", "/groups?fold=type", "/groups/none"]
    paths += ["/quarantine", "/conductors"]
    paths += [f"/groups/network:{name}:1" for name in ("good", "bad", "waits", "runs", "held")]
    for url in [*(address(site, path) for path in paths), address(closed, "/login")]:
        page.goto(url)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{url}\n{found.generate_report()}"


def test_the_keyboard_alone_is_enough_to_cancel_a_group(
    populated: EtcdStore, make_site: MakeSite, open_page: Open
) -> None:
    page = open_page(address(make_site(acts=True), "/groups"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    _tab_to(page, "network:held:1")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("network:held")
    _tab_to(page, "Cancel and revert")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("no longer wanted")
    page.keyboard.press("Enter")
    expect(page.locator(".events")).to_contain_text("by carol@host (web): no longer wanted")


def test_what_is_typed_stays_while_the_page_changes(
    populated: EtcdStore, make_site: MakeSite, open_page: Open
) -> None:
    page = open_page(address(make_site(), "/groups"))
    until_live(page)
    page.get_by_label("Search").type("ba")
    put_group(populated, "new", **failed("just now"))
    expect(page.locator("tbody")).to_contain_text("just now", timeout=WAIT)
    assert page.get_by_label("Search").input_value() == "ba"
    assert page.evaluate("document.activeElement.name") == "q"


def test_the_difference_to_what_was_sent_before_is_shown(
    populated: EtcdStore, make_site: MakeSite, open_page: Open
) -> None:
    page = open_page(address(make_site(), "/groups/network:bad:1"))
    expect(page.locator(".diff .plus")).to_have_text("+b: 2")
    expect(page.locator("main")).not_to_contain_text("hush")


def test_the_graph_of_a_deployment_is_drawn_with_its_own_styles_only(
    make_site: MakeSite, open_page: Open, store: EtcdStore
) -> None:
    put_group(store, "9dd2540c-934c-4db7-bc33-83059bf6905d", **failed("Quota exceeded"))
    site = make_site()
    page = open_page(address(site, "/deployments/logical_network"))
    picture = page.locator(".drawing img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    answer = page.goto(address(site, "/deployments/logical_network/graph.svg"))
    assert answer is not None
    assert "'sha256-" in answer.headers["content-security-policy"]
    assert page.locator("svg").evaluate("svg => getComputedStyle(svg).fontSize") == "13px"


def _tab_to(page: Page, text: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == text:
            return
    pytest.fail(f"{text} cannot be reached with Tab")
