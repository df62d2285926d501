from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from esi_flows.model.errors import StoreUnavailable
from esi_flows.store.embedded.process import EtcdProcess, free_ports
from tests.store.conftest import Connect


@dataclass
class Authority:
    """A certificate authority in a folder."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def ca_cert(self) -> str:
        return str(self.folder / "ca.pem")

    def issue(self, name: str) -> tuple[str, str]:
        """A certificate for 127.0.0.1, signed by us; names of its file and of its key's file."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, self.certificate.subject, self.key)
        cert_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return str(cert_file), str(key_file)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _authority(folder: Path) -> Authority:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate("authority", key, None, key)
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(folder, key, certificate)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return _authority(tmp_path / "authority")


@pytest.fixture
def secure_endpoint(etcd_program: Path, tmp_path: Path, authority: Authority) -> Iterator[str]:
    """An etcd with TLS that wants client certificates."""
    ports = free_ports()
    url = ports.endpoint.replace("http:", "https:")
    cert, key = authority.issue("server")
    arguments = [
        *("--listen-client-urls", url, "--advertise-client-urls", url),
        *("--listen-peer-urls", ports.peer_url),
        *("--cert-file", cert, "--key-file", key),
        *("--trusted-ca-file", authority.ca_cert, "--client-cert-auth"),
    ]
    process = EtcdProcess(etcd_program, tmp_path / "etcd", arguments)
    process.start()
    yield url
    process.kill()


def test_certificate_of_the_authority_is_let_in(
    secure_endpoint: str, authority: Authority, connected: Connect
) -> None:
    cert, key = authority.issue("client")
    store = connected(
        secure_endpoint, ca_cert=authority.ca_cert, cert=cert, key=key, timeout_seconds=20.0
    )
    revision = store.put("/a/1", b"x")
    assert next(iter(store.watch("/a/", start_revision=revision))).revision == revision


def test_without_certificate_nobody_is_let_in(
    secure_endpoint: str, authority: Authority, connected: Connect
) -> None:
    cert, key = authority.issue("client")
    access = {"ca_cert": authority.ca_cert, "cert": cert, "key": key}
    assert connected(secure_endpoint, timeout_seconds=20.0, **access).get("/a") is None
    store = connected(secure_endpoint, ca_cert=authority.ca_cert, timeout_seconds=1.0)
    with pytest.raises(StoreUnavailable):
        store.put("/a", b"")


def test_server_of_another_authority_is_not_trusted(
    secure_endpoint: str, authority: Authority, connected: Connect, tmp_path: Path
) -> None:
    stranger = _authority(tmp_path / "stranger")
    cert, key = authority.issue("client")
    store = connected(
        secure_endpoint, ca_cert=stranger.ca_cert, cert=cert, key=key, timeout_seconds=1.0
    )
    with pytest.raises(StoreUnavailable):
        store.put("/a", b"")
