from __future__ import annotations

import json

import pytest

from esi_flows.model import codec
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import Cli

KEY = "/config/v2.0/edge_routers/r1"
DOCUMENT = {"body": '{"name": "r", "password": "hush"}', "version": 1}


@pytest.fixture
def filled(store: EtcdStore) -> EtcdStore:
    store.put(KEY, codec.dumps(DOCUMENT))
    store.put("/state/v2.0/edge_routers/r1", b"not JSON \xff")
    return store


def test_a_document_is_shown_as_json_without_secrets(filled: EtcdStore, cli: Cli) -> None:
    result = cli("get", KEY)
    assert result.code == 0
    body = json.loads(json.loads(result.out)["body"])
    assert body == {"name": "r", "password": "********"}


def test_secrets_are_shown_when_asked_for(filled: EtcdStore, cli: Cli) -> None:
    assert json.loads(cli("get", KEY, "--show-secrets").out) == DOCUMENT


def test_what_is_not_json_is_shown_as_it_is(filled: EtcdStore, cli: Cli) -> None:
    assert cli("get", "/state/v2.0/edge_routers/r1").out == "not JSON \\xff\n"


@pytest.mark.parametrize("prefix", ["/config", "/config/", "/config/v2.0/edge_routers"])
def test_a_prefix_shows_all_keys_below_it(filled: EtcdStore, cli: Cli, prefix: str) -> None:
    assert cli("get", "--prefix", "--keys-only", prefix).out == f"{KEY}\n"
    assert cli("get", "--prefix", prefix).out.startswith(f"{KEY}\n{{\n")


def test_nothing_there_is_an_error_with_a_way_on(filled: EtcdStore, cli: Cli) -> None:
    result = cli("get", "/config/v2.0")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(
        "error: nothing under /config/v2.0\n"
        "next: esi-flows get --prefix --keys-only /config --etcd "
    )


def test_a_key_begins_with_a_slash(cli: Cli) -> None:
    result = cli("get", "config/v2.0")
    assert result.code == 1
    assert result.err == "error: key 'config/v2.0' does not start with '/'\nnext: /config/v2.0 ?\n"
