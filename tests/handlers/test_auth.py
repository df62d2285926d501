"""Credentials and TLS of the cloud, from the configuration or the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from esi_flows import settings
from esi_flows.handlers.heat.auth import make_clouds, session_factory
from esi_flows.model.errors import SettingsInvalid
from esi_flows.sandbox.cloud import Cloud


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OS_AUTH_URL", "OS_CACERT", "OS_USERNAME", "OS_PASSWORD", "OS_AUTH_TYPE"):
        monkeypatch.delenv(name, raising=False)


def config(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "esi-flows.conf"
    file.write_text(text)
    return file


CREDENTIAL = """\
[cloud]
auth_type = v3password
auth_url = http://127.0.0.1:5/v3
username = ops
password = s3cret
user_domain_name = Default
"""


def test_without_a_cloud_it_says_how_to_name_one() -> None:
    with pytest.raises(SettingsInvalid, match="no cloud is configured") as raised:
        make_clouds(settings.load())
    assert "OS_*" in raised.value.hint


def test_an_unknown_kind_of_credential_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="nonsense"):
        make_clouds(settings.load([config(tmp_path, "[cloud]\nauth_type = nonsense\n")]))


def test_a_session_is_scoped_to_the_project_asked_for(tmp_path: Path) -> None:
    make = session_factory(settings.load([config(tmp_path, CREDENTIAL)]))
    assert make("p1").auth.project_id == "p1"
    assert make("p2").auth.project_id == "p2"


def test_tls_settings_reach_the_session(tmp_path: Path) -> None:
    tls = "cafile = /ca.pem\ncertfile = /cert.pem\nkeyfile = /key.pem\n"
    session = session_factory(settings.load([config(tmp_path, CREDENTIAL + tls)]))("p")
    assert (session.verify, session.cert) == ("/ca.pem", ("/cert.pem", "/key.pem"))
    session = session_factory(settings.load([config(tmp_path, CREDENTIAL + "insecure = true\n")]))(
        "p"
    )
    assert (session.verify, session.cert) == (False, None)


def test_the_environment_of_the_openstack_client_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cloud(tmp_path / "cloud", speed=50) as cloud:
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        assert make_clouds(settings.load()).project("p1").stacks() == []


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_credential_that_is_refused_is_told_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    with Cloud(tmp_path / "cloud", speed=50) as cloud:
        for name, value in {**cloud.environment(), "OS_PASSWORD": password}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SettingsInvalid, match=r"refuses the credential|password is missing"):
            make_clouds(settings.load())


def test_a_cloud_that_is_away_is_no_reason_not_to_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_clouds(settings.load([config(tmp_path, CREDENTIAL)]))
    assert "the cloud does not answer yet" in caplog.messages
