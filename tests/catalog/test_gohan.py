"""gohan's schema list becomes a catalog: from a file, and from a server over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from esi_flows.catalog.fetch import get_schemas
from esi_flows.catalog.gohan import read_schemas
from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import ResourceType
from esi_flows.catalog.writer import write_catalog
from esi_flows.lint.folder import lint
from esi_flows.model.errors import InvalidInput, Severity

ANSWER = {
    "schemas": [
        {"id": "schema", "metadata": {"type": "metaschema"}},
        {"id": "base", "type": "abstract"},
        {"id": "heat_template", "plural": "heat_templates", "prefix": "/v2.0"},
        {
            "id": "network",
            "plural": "networks",
            "prefix": "/v2.0",
            "description": "A network.\n",
            "metadata": {"template_path": "Cnetwork", "state_versioning": True},
            "schema": {
                "type": "object",
                "propertiesOrder": ["id", "name"],
                "required": ["name"],
                "properties": {
                    "id": {"type": "string", "permission": ["create"], "unique": False},
                    "name": {"type": "string", "title": "Name", "required": True},
                    "size": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                },
            },
        },
        {
            "id": "port",
            "plural": "ports",
            "prefix": "/v2.0/ports",
            "parent": "network",
            "metadata": {
                "template_path": {
                    "if_mapping": {"equal": [{"field": "kind"}, "dhcp"]},
                    "then_mapping": {"constant": None},
                    "else_mapping": {"constant": "port"},
                }
            },
            "schema": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "network_id": {"type": "string"},
                    "kind": {"type": "string"},
                    "peer_id": {"type": ["string", "null"], "relation": "port"},
                    "quota_id": {"type": "string", "relation": "quota"},
                },
            },
        },
    ]
}

SUMMARY = {
    "schemas": {
        "network": {
            "plural": "networks",
            "prefix": "/v2.0/networks",
            "metadata": {"template_path": "Cnetwork"},
            "relations": {},
            "properties": {"id": "string", "name": ["string", "null"]},
        },
        "port": {
            "plural": "ports",
            "prefix": "/v2.0/ports",
            "metadata": None,
            "relations": {"network_id": "network"},
            "properties": {"id": "string", "network_id": "string"},
        },
    },
    "template_mappings": {"monitoring_worker": {"network": "Cnetwork_monitoring"}},
}


def imported(document: Any) -> dict[str, ResourceType]:
    return {known.type: known for known in read_schemas("list", document).types}


def test_what_gohan_answers_is_read() -> None:
    types = imported(ANSWER)
    assert list(types) == ["network", "port"]
    network, port = types.values()
    assert network.collection == "v2.0/networks"
    assert network.description == "A network."
    assert network.template_mappings == {"heat_worker": "Cnetwork"}
    assert network.schema == {
        "type": "object",
        "required": ["name"],
        "properties": {
            "id": {"type": "string"},
            "name": {"type": "string", "title": "Name"},
            "size": {"type": "integer", "minimum": 0},
        },
    }
    assert port.collection == "v2.0/ports"
    assert port.relations == {"peer_id": "port", "network_id": "network"}


def test_what_is_left_out_is_told() -> None:
    assert read_schemas("list", ANSWER).left_out == (
        "schema: gohan's own",
        "base: abstract",
        "heat_template: gohan's own",
        "port.quota_id: refers to quota, no type here",
    )


def test_a_summary_by_id_is_read() -> None:
    network, port = imported(SUMMARY).values()
    assert network.collection == "v2.0/networks"
    assert network.template_mappings == {
        "heat_worker": "Cnetwork",
        "monitoring_worker": "Cnetwork_monitoring",
    }
    assert port.relations == {"network_id": "network"}
    assert port.schema["properties"]["network_id"] == {"type": "string"}


@pytest.mark.parametrize("document", [ANSWER, SUMMARY], ids=["answer", "summary"])
def test_what_is_written_is_what_was_read(tmp_path: Path, document: Any) -> None:
    types = imported(document)
    write_catalog(tmp_path / "mine", types.values())
    assert load_catalog(tmp_path / "mine").types == types
    found = lint(tmp_path / "mine", catalog=pytest.fail, partial=True)
    assert {finding.severity for finding in found} == {Severity.WARNING}


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    write_catalog(tmp_path, imported(SUMMARY).values())
    with pytest.raises(InvalidInput, match="is there already"):
        write_catalog(tmp_path, imported(ANSWER).values())
    assert load_catalog(tmp_path).types == imported(SUMMARY)
    assert [path.name for path in tmp_path.iterdir()] == ["resources"]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ([], "is no schema list"),
        ({"schemas": 7}, "is no schema list"),
        ({"schemas": [7]}, "has no id"),
        ({"schemas": [{"id": "../etc"}]}, "has no id that can be the name of a type"),
        ({"schemas": {"a": 7}}, "is no object"),
        ({"schemas": {"a": {"metadata": []}, "b": {"metadata": 7}}}, "schema b: metadata"),
        ({"schemas": {"a": {"plural": "a/b"}}}, "plural 'a/b' is no name"),
        ({"schemas": {"a": {"plural": "as"}}}, "prefix None is no URL prefix (such as /v2.0)"),
        (
            {"schemas": [{"id": "a", "plural": "as", "prefix": "/v1", "schema": {"type": "odd"}}]},
            "is no JSON Schema at 'type'",
        ),
    ],
)
def test_what_cannot_be_used_is_told(document: Any, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_schemas("list", document)
    assert what in " ".join(map(str, caught.value.findings))


@dataclass
class Gohan:
    """A server that answers everything with the same, and notes what it was asked."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b"{}"
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def gohan() -> Iterator[Gohan]:
    told = Gohan()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append((self.path, self.headers["X-Auth-Token"]))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.content)))
            self.end_headers()
            self.wfile.write(told.content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        told.url = f"http://127.0.0.1:{server.server_port}"
        yield told
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/gohan/v0.1/schemas"),
        ("/", "/gohan/v0.1/schemas"),
        ("/api", "/api/gohan/v0.1/schemas"),
        ("/gohan/v0.1/schemas", "/gohan/v0.1/schemas"),
    ],
)
def test_the_list_is_asked_for_over_http(gohan: Gohan, path: str, asked: str) -> None:
    gohan.content = json.dumps(ANSWER).encode()
    assert get_schemas(gohan.url + path, {}) == ANSWER
    assert gohan.asked == [(asked, None)]


def test_the_token_is_sent_and_goes_nowhere_else(gohan: Gohan) -> None:
    gohan.status, gohan.headers = 302, {"Location": f"{gohan.url}/elsewhere"}
    with pytest.raises(InvalidInput, match="answered 302") as caught:
        get_schemas(gohan.url, {"OS_TOKEN": "secret"})
    assert gohan.asked == [("/gohan/v0.1/schemas", "secret")]
    assert "elsewhere" in caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "content", "what"),
    [
        (401, b"", "answered 401"),
        (404, b"", "answered 404"),
        (500, b"", "answered 500"),
        (200, b"<html>", "is not JSON"),
        (200, b"[" * 100_000, "is not JSON"),
    ],
)
def test_an_answer_that_is_none_is_told(
    gohan: Gohan, status: int, content: bytes, what: str
) -> None:
    gohan.status, gohan.content = status, content
    with pytest.raises(InvalidInput, match=what):
        get_schemas(gohan.url, {})


def test_nobody_there_is_told(gohan: Gohan) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        get_schemas("http://127.0.0.1:1", {})


def test_a_file_is_read_or_told(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps(SUMMARY))
    assert get_schemas(str(tmp_path / "list.json"), {}) == SUMMARY
    with pytest.raises(InvalidInput, match="No such file"):
        get_schemas(str(tmp_path / "nothing.json"), {})
