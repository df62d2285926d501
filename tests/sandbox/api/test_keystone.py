"""Keystone, seen through keystoneauth1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3

from esi_flows.sandbox.cloud import PASSWORD, Cloud

ONE = "heat_template_version: 2013-05-23\n"


@pytest.fixture
def sign_in(cloud: Cloud) -> Iterator[Callable[[Any], session.Session]]:
    """Makes a session of an authentication."""
    opened = []

    def make(auth: Any) -> session.Session:
        opened.append(requests.Session())
        return session.Session(auth=auth, session=opened[-1], timeout=10)

    yield make
    for each in opened:
        each.close()


def _password(cloud: Cloud, **options: Any) -> v3.Password:
    given = {
        "username": "admin",
        "password": PASSWORD,
        "user_domain_id": "default",
        "project_name": "admin",
        "project_domain_id": "default",
    }
    return v3.Password(auth_url=cloud.auth_url, **{**given, **options})


@pytest.mark.parametrize("path", ["/identity", "/identity/", "/identity/v3", "/identity/v3/"])
def test_the_version_is_found_from_either_url(
    cloud: Cloud, sign_in: Callable[[Any], session.Session], path: str
) -> None:
    auth = v3.Password(
        auth_url=cloud.url + path,
        username="admin",
        password=PASSWORD,
        user_domain_name="Default",
        project_name="admin",
        project_domain_name="Default",
    )
    ready = sign_in(auth)
    assert ready.get_token()
    found = ready.get("/", endpoint_filter={"service_type": "identity", "version": (3, 0)})
    assert found.json()["version"]["id"].startswith("v3.")


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "no"},
        {"username": "nobody"},
        {"project_name": "nowhere"},
        {"project_id": "../..", "project_name": None, "project_domain_id": None},
    ],
)
def test_who_is_not_known_is_refused(
    cloud: Cloud, sign_in: Callable[[Any], session.Session], wrong: dict[str, Any]
) -> None:
    with pytest.raises(exceptions.Unauthorized, match="requires authentication"):
        sign_in(_password(cloud, **wrong)).get_token()


def test_a_project_comes_into_being_when_it_is_named_by_id(
    cloud: Cloud, sign_in: Callable[[Any], session.Session]
) -> None:
    auth = _password(cloud, project_id="fresh", project_name=None, project_domain_id=None)
    ready = sign_in(auth)
    assert ready.get_project_id() == "fresh"
    assert ready.get_endpoint(service_type="orchestration").endswith("/v1/fresh")
    identity = {"service_type": "identity", "version": (3, 0)}
    listed = ready.get("/auth/projects", endpoint_filter=identity).json()["projects"]
    assert "fresh" in [project["id"] for project in listed]
    by_name = sign_in(_password(cloud, project_name="fresh"))
    assert by_name.get_project_id() == "fresh", "and has a name from then on"


def test_a_service_that_is_not_there_is_not_in_the_catalog(
    cloud: Cloud, sign_in: Callable[[Any], session.Session]
) -> None:
    with pytest.raises(exceptions.EndpointNotFound):
        sign_in(_password(cloud)).get("/", endpoint_filter={"service_type": "compute"})


def test_a_token_can_be_changed_for_one_of_another_project(
    cloud: Cloud, sign_in: Callable[[Any], session.Session]
) -> None:
    token = sign_in(_password(cloud)).get_token()
    other = v3.Token(auth_url=cloud.auth_url, token=token, project_id="other")
    assert sign_in(other).get_project_id() == "other"


def test_an_application_credential_signs_in(
    cloud: Cloud, sign_in: Callable[[Any], session.Session]
) -> None:
    ready = sign_in(_password(cloud))
    path = f"/users/{ready.get_user_id()}/application_credentials"
    identity = {"service_type": "identity", "version": (3, 0)}
    body = {"application_credential": {"name": "conductor"}}
    made = ready.post(path, json=body, endpoint_filter=identity).json()["application_credential"]

    def credential(secret: str) -> v3.ApplicationCredential:
        return v3.ApplicationCredential(
            auth_url=cloud.auth_url,
            application_credential_id=made["id"],
            application_credential_secret=secret,
        )

    assert sign_in(credential(made["secret"])).get_project_id() == ready.get_project_id()
    with pytest.raises(exceptions.Unauthorized):
        sign_in(credential("wrong")).get_token()
    ready.delete(f"{path}/{made['id']}", endpoint_filter=identity)
    with pytest.raises(exceptions.Unauthorized):
        sign_in(credential(made["secret"])).get_token()


@pytest.mark.parametrize("token", ["", "x", "x.y", "W10.", "\udcff.".encode("utf-8", "replace")])
def test_a_forged_token_is_refused(cloud: Cloud, token: str) -> None:
    answer = requests.get(
        f"{cloud.url}/orchestration/v1/p/stacks", headers={"X-Auth-Token": token}, timeout=10
    )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Keystone uri=")


def test_a_token_ends_after_its_time_and_the_session_gets_another(
    cloud: Cloud, sign_in: Callable[[Any], session.Session], clock: Any
) -> None:
    ready = sign_in(_password(cloud))
    first = ready.get_token()
    clock.advance(3601)
    heat = {"service_type": "orchestration"}
    assert ready.get("/stacks", endpoint_filter=heat).status_code == 200
    assert ready.get_token() != first


def test_all_tokens_can_be_made_to_expire(
    connect: Callable[..., Any], cloud: Cloud, clock: Any
) -> None:
    heat = connect(project_id="expiring")
    list(heat.stacks.list())
    cloud.expire_tokens()
    clock.advance(1)
    cloud.journal.clear()
    list(heat.stacks.list())
    assert [(e.method, e.status) for e in cloud.requests()] == [
        ("GET", 401),
        ("POST", 201),
        ("GET", 200),
    ]


def test_a_revoked_token_is_refused(
    cloud: Cloud, sign_in: Callable[[Any], session.Session]
) -> None:
    ready = sign_in(_password(cloud))
    token = ready.get_token()
    url = f"{cloud.auth_url}/auth/tokens"
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    assert requests.get(url, headers=headers, timeout=10).json()["token"]["user"]["name"] == "admin"
    assert requests.delete(url, headers=headers, timeout=10).status_code == 204
    assert requests.get(url, headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"auth": 5},
        {"auth": {"identity": {"methods": 5}}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": []}}}},
        {"auth": {"identity": {"methods": ["token"], "token": {"id": {"a": 1}}}}},
        {"auth": {"identity": {"methods": []}}},
        {"auth": {"identity": {"methods": ["magic"]}}},
        {
            "auth": {
                "identity": {"methods": ["application_credential"], "application_credential": 5}
            }
        },
    ],
)
def test_nonsense_instead_of_credentials_is_refused(cloud: Cloud, body: Any) -> None:
    answer = requests.post(f"{cloud.auth_url}/auth/tokens", json=body, timeout=10)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"]["code"] == answer.status_code


def test_tokens_and_projects_outlive_a_restart(tmp_path: Path, connect: Callable[..., Any]) -> None:
    with Cloud(tmp_path) as cloud:
        heat = connect(to=cloud, project_id="kept")
        heat.stacks.create(stack_name="s", template=ONE)
        url = cloud.url
    with Cloud(tmp_path) as cloud:
        assert cloud.url == url
        assert heat.stacks.get("s").stack_name == "s"
        assert [e.path for e in cloud.requests(contains="/auth/tokens")] == []
