"""The pages over HTTP: who is let in, what is refused, what is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput, SettingsInvalid
from esi_flows.model.steering import Steering, Want
from esi_flows.store.etcd import EtcdStore
from esi_flows.web.access import read_tokens, require_loopback
from esi_flows.web.server import WebServer
from tests.web.conftest import ALICE, MakeSite, address, put_group

pytestmark = pytest.mark.etcd

HTML = {"Accept": "text/html"}
PAGES = ("/", "/groups", "/quarantine", "/conductors", "/deployments/logical_network")


def proof_on(text: str) -> str:
    found = re.search(r'name="proof" value="(\w+)"', text)
    assert found is not None
    return found[1]


def wants(store: EtcdStore, group: str) -> list[tuple[Want, str, str]]:
    found = store.get(keys.steering(group))
    orders = Steering.decode(found.key, found.value).orders if found is not None else ()
    return [(order.want, order.by, order.reason) for order in orders]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_strict_headers_and_asks_nobody_else(site: WebServer, path: str) -> None:
    answer = requests.get(address(site, path), timeout=30)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert '<form method="post"' not in answer.text


def test_a_page_that_is_the_same_is_not_sent_again(site: WebServer) -> None:
    first = requests.get(address(site), timeout=30)
    again = {"If-None-Match": first.headers["ETag"]}
    assert requests.get(address(site), headers=again, timeout=30).status_code == 304


def test_assets_are_named_after_their_content_and_kept(site: WebServer) -> None:
    text = requests.get(address(site), timeout=30).text
    paths = re.findall(r'"(/assets/[^"]+)"', text)
    assert len(paths) == 3
    for path in paths:
        answer = requests.get(address(site, path), timeout=30)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]


def test_another_site_cannot_read_what_is_served_here(site: WebServer) -> None:
    answer = requests.get(address(site), headers={"Host": "evil.example:80"}, timeout=30)
    assert answer.status_code == 421


@pytest.mark.parametrize("where", ["0.0.0.0", "192.0.2.1", "::", "host.example"])
def test_without_tokens_only_loopback_is_served(where: str) -> None:
    with pytest.raises(InvalidInput, match="nobody would be asked"):
        require_loopback(where)


def test_a_token_opens_what_is_closed_to_others(make_site: MakeSite) -> None:
    site = make_site(alice=ALICE)
    url = address(site, "/groups")
    assert requests.get(url, timeout=30).status_code == 401
    for wrong in ("x", ALICE[:-1], ""):
        headers = {"Authorization": f"Bearer {wrong}"}
        assert requests.get(url, headers=headers, timeout=30).status_code == 401
    headers = {"Authorization": f"Bearer {ALICE}"}
    assert requests.get(url, headers=headers, timeout=30).status_code == 200
    assert requests.get(address(site, "/healthz"), timeout=30).status_code == 200
    closed = requests.get(address(site, "/stream"), timeout=30)
    assert closed.status_code == 401


def test_a_browser_logs_in_and_stays_in_over_a_restart(make_site: MakeSite) -> None:
    first = make_site(alice=ALICE)
    session = requests.Session()
    asked = session.get(address(first, "/groups"), headers=HTML, timeout=30)
    assert asked.url.endswith("/login?next=/groups")
    wrong = session.post(asked.url, data={"token": "wrong"}, headers=HTML, timeout=30)
    assert (wrong.status_code, "Nobody has this token" in wrong.text) == (403, True)
    right = session.post(asked.url, data={"token": ALICE}, headers=HTML, timeout=30)
    assert right.url == address(first, "/groups")
    first.stop()
    again, other = make_site(alice=ALICE), make_site(alice=ALICE + "!")
    assert session.get(address(again), timeout=30).status_code == 200
    assert session.get(address(other), timeout=30).status_code == 401


@pytest.mark.parametrize("next_page", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_logging_in_leads_to_no_other_site(make_site: MakeSite, next_page: str) -> None:
    site = make_site(alice=ALICE)
    answer = requests.post(
        address(site, "/login"),
        params={"next": next_page},
        data={"token": ALICE},
        allow_redirects=False,
        timeout=30,
    )
    assert answer.headers["Location"] == "/"


def test_an_order_is_recorded_with_who_and_why(make_site: MakeSite, store: EtcdStore) -> None:
    name = put_group(store, "n1")
    site = make_site(acts=True)
    session = requests.Session()
    proof = proof_on(session.get(address(site, f"/groups/{name}"), timeout=30).text)
    form = {"proof": proof, "group": name, "reason": "quota", "back": f"/groups/{name}"}
    answer = session.post(address(site, "/act/suspend"), data=form, timeout=30)
    assert answer.url == address(site, f"/groups/{name}")
    assert wants(store, name) == [(Want.SUSPEND, "carol@host (web)", "quota")]


def test_a_forged_form_orders_nothing(make_site: MakeSite, store: EtcdStore) -> None:
    name = put_group(store, "n1")
    site = make_site(acts=True)
    url = address(site, "/act/cancel")
    session = requests.Session()
    proof = proof_on(session.get(address(site, f"/groups/{name}"), timeout=30).text)
    form = {"group": name, "proof": proof}
    for refused in (
        session.post(url, data={"group": name}, timeout=30),
        session.post(url, data={**form, "proof": "0" * 64}, timeout=30),
        requests.post(url, data=form, timeout=30),
        session.post(url, data=form, headers={"Origin": "http://evil.example"}, timeout=30),
        session.post(url, data=form, headers={"Sec-Fetch-Site": "cross-site"}, timeout=30),
    ):
        assert refused.status_code == 403
    assert wants(store, name) == []


def test_pages_for_looking_order_nothing(site: WebServer, store: EtcdStore) -> None:
    name = put_group(store, "n1")
    answer = requests.post(address(site, "/act/cancel"), data={"group": name}, timeout=30)
    assert answer.status_code == 403
    assert wants(store, name) == []


def test_what_cannot_be_done_says_why(make_site: MakeSite, store: EtcdStore) -> None:
    name = put_group(store, "n1")
    site = make_site(acts=True)
    session = requests.Session()
    proof = proof_on(session.get(address(site, f"/groups/{name}"), timeout=30).text)
    form = {"proof": proof, "group": "network:none:1"}
    answer = session.post(address(site, "/act/suspend"), data=form, timeout=30)
    assert answer.status_code == 409
    assert "there is no group network:none:1" in answer.text


def test_a_stream_tells_of_each_change_with_its_revision(site: WebServer, store: EtcdStore) -> None:
    known = {"Last-Event-ID": str(site.live.revision)}
    with requests.get(address(site, "/stream"), headers=known, stream=True, timeout=30) as stream:
        lines = stream.iter_lines(decode_unicode=True)
        assert next(lines) == "retry: 1000"
        put_group(store, "n1")
        found = store.get(keys.group("network:n1:1"))
        assert found is not None
        told = next(int(line[4:]) for line in lines if line.startswith("id: "))
        assert told >= found.mod_revision


def test_who_has_missed_something_is_told_at_once(site: WebServer, store: EtcdStore) -> None:
    put_group(store, "n1")
    with requests.get(address(site, "/stream?after=1"), stream=True, timeout=30) as stream:
        lines = stream.iter_lines(decode_unicode=True)
        assert next(line for line in lines if line.startswith("event")) == "event: change"


def test_open_streams_do_not_keep_the_server_from_ending(make_site: MakeSite) -> None:
    site = make_site()
    with requests.get(address(site, "/stream"), stream=True, timeout=30) as stream:
        assert stream.status_code == 200
        site.stop()
        assert not site.is_alive


@pytest.mark.parametrize(
    "text", ["", "# none\n", "alice\n", "alice:short\n", ":a-token-of-nobodys-own\n"]
)
def test_a_token_file_that_lets_nobody_in_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)
    with pytest.raises(SettingsInvalid):
        read_tokens(file)


def test_secrets_are_not_on_the_page(make_site: MakeSite, store: EtcdStore) -> None:
    name = put_group(store, "n1")
    path = keys.ResourcePath("v2.0/networks", "n1")
    record = '{"template": "text: hush-hush", "parameters": {"password": "hush-hush"}}'
    store.put(keys.stack_record(path), record.encode())
    text = requests.get(address(make_site(), f"/groups/{name}"), timeout=30).text
    assert "Sent to Heat last" in text
    assert "hush" not in text
    assert text.count("********") == 2
