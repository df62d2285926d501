"""The driver ``http`` against real servers, hostile ones among them."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from esi_flows.collector.drivers import Drivers, ProbeFailed, Status, Surroundings
from esi_flows.collector.http import make_driver
from esi_flows.collector.networks import Networks
from esi_flows.model.results import Target
from tests.collector.test_drivers import a_target

Answer = Callable[[asyncio.StreamWriter], Any]


@asynccontextmanager
async def serving(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that reads a request and answers as it is told; its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        scheme = "http" if context is None else "https"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/health?deep=1"


def asked(target: Target, *, seconds: float = 5) -> Status:
    driver = make_driver(Surroundings(Networks()))
    return asyncio.run(Drivers({"http": driver}, seconds=seconds).status(target))


def answered(answer: Answer, *, seconds: float = 5, **properties: Any) -> Status:
    async def ask() -> Status:
        drivers = Drivers({"http": make_driver(Surroundings(Networks()))}, seconds=seconds)
        async with serving(answer) as url:
            return await drivers.status(a_target("http", url=url, **properties))

    return asyncio.run(ask())


def with_bytes(raw: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return answer


def with_json(text: str) -> Answer:
    return with_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + text.encode())


@pytest.mark.parametrize("status", ["200 OK", "204 No Content"])
def test_a_good_answer_is_up(status: str) -> None:
    assert answered(with_bytes(f"HTTP/1.1 {status}\r\n\r\n".encode())) == "UP"


@pytest.mark.parametrize("status", ["302 Found\r\nLocation: /", "404 No", "500 Error", "1 Odd"])
def test_any_other_answer_has_failed_and_no_redirect_is_followed(status: str) -> None:
    assert answered(with_bytes(f"HTTP/1.1 {status}\r\n\r\n".encode())) == "FAIL"


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"SSH-2.0-x\r\n", b"HTTP/1.1 " + b"2" * 4000])
def test_what_is_no_http_has_failed(raw: bytes) -> None:
    assert answered(with_bytes(raw)) == "FAIL"


def test_a_member_of_the_json_is_the_status() -> None:
    text = '{"pool": {"status": "MASTER"}}'
    assert answered(with_json(text), member=["pool", "status"]) == "MASTER"


def test_an_object_of_texts_is_a_status_of_parts() -> None:
    parts = '{"status": {"primary": "MASTER", "secondary": "BACKUP"}}'
    seen = answered(with_json(parts), member="status")
    assert seen == {"primary": "MASTER", "secondary": "BACKUP"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"status": 1}', "[" * 60000])
def test_json_without_the_member_is_no_bad_status(text: str) -> None:
    with pytest.raises(ProbeFailed, match="status"):
        answered(with_json(text), member="status")


def test_an_endless_answer_is_cut_off() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 10000)
            await writer.drain()

    with pytest.raises(ProbeFailed, match="longer than"):
        answered(answer)


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 200 OK\r\nx: y\r\n"])
def test_one_that_answers_drop_by_drop_is_given_up_in_time(piece: bytes) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(piece)
        while True:
            writer.write(b"z")
            await writer.drain()
            await asyncio.sleep(0.01)

    begun = time.monotonic()
    with pytest.raises(ProbeFailed, match="within"):
        answered(answer, seconds=0.2)
    assert time.monotonic() - begun < 3


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("is_tls", [True, False])
def test_a_server_that_cannot_prove_who_it_is_has_failed(tmp_path: Path, is_tls: bool) -> None:
    context = self_signed(tmp_path) if is_tls else None

    async def ask() -> Status:
        drivers = Drivers({"http": make_driver(Surroundings(Networks()))}, seconds=5)
        async with serving(with_bytes(b"HTTP/1.1 200 OK\r\n\r\n"), context) as url:
            return await drivers.status(a_target("http", url=url))

    assert asyncio.run(ask()) == ("FAIL" if is_tls else "UP")


@pytest.mark.parametrize(
    "url",
    [
        *(None, "", 1, "ftp://h/", "http://", "http://h:0/", "http://h:99999/", "http://[/"),
        *("/path", "http://h/a b", "http://h/\r\nX: y", "http://\u00e9/"),
    ],
)
def test_what_is_no_url_is_told(url: Any) -> None:
    with pytest.raises(ProbeFailed, match="property url"):
        asked(a_target("http", url=url))


@pytest.mark.parametrize("member", [1, [1], {"a": "b"}])
def test_a_member_that_is_no_name_is_told(member: Any) -> None:
    with pytest.raises(ProbeFailed, match="property member"):
        asked(a_target("http", url="http://127.0.0.1/", member=member))
