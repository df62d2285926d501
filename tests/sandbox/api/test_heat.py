"""Heat's HTTP interface: what is not about one stack's fate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from heatclient import exc

from esi_flows.sandbox.cloud import PASSWORD, Cloud

ONE = "heat_template_version: 2013-05-23\nresources: {a: {type: OS::Heat::TestResource}}\n"


@pytest.fixture
def raw(cloud: Cloud) -> Iterator[Callable[..., requests.Response]]:
    """Sends a request with a token of the admin project to Heat."""
    user = {"name": "admin", "domain": {"id": "default"}, "password": PASSWORD}
    scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
    identity = {"methods": ["password"], "password": {"user": user}}
    with requests.Session() as session:
        answer = session.post(
            f"{cloud.auth_url}/auth/tokens", json={"auth": {"identity": identity, "scope": scope}}
        )
        session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
        project = answer.json()["token"]["project"]["id"]

        def send(method: str, path: str, **options: Any) -> requests.Response:
            url = f"{cloud.url}/orchestration/v1/{project}{path}"
            return session.request(method, url, allow_redirects=False, timeout=10, **options)

        yield send


def test_a_name_is_redirected_to_the_canonical_url(
    raw: Callable[..., requests.Response],
) -> None:
    made = raw("POST", "/stacks", json={"stack_name": "redirected", "template": ONE})
    assert made.status_code == 201
    canonical = made.headers["Location"]
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = raw(method, "/stacks/redirected?a=b")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{canonical}?a=b")
    answer = raw("GET", "/stacks/redirected/resources")
    assert answer.headers["Location"] == f"{canonical}/resources"


def test_the_statuses_of_good_answers_are_heats(raw: Callable[..., requests.Response]) -> None:
    made = raw("POST", "/stacks", json={"stack_name": "statuses", "template": ONE})
    path = f"/stacks/statuses/{made.json()['stack']['id']}"
    assert raw("GET", path).status_code == 200
    assert raw("PUT", path, json={"template": ONE}).status_code == 202
    assert raw("PATCH", path, json={}).status_code == 202
    answer = raw("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_error_has_heats_form(raw: Callable[..., requests.Response]) -> None:
    answer = raw("GET", "/stacks/nope")
    assert answer.json() == {
        "code": 404,
        "title": "Not Found",
        "explanation": "The resource could not be found.",
        "error": {
            "type": "EntityNotFound",
            "message": "The Stack (nope) could not be found.",
            "traceback": None,
        },
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"template": ONE}, "No stack name specified"),
        ({"stack_name": "n"}, "No template specified"),
        ({"stack_name": "n", "template": 5}, "The template is not a JSON object"),
        ({"stack_name": 5, "template": ONE}, "Invalid stack name 5, must be a string"),
        ({"stack_name": "1a", "template": ONE}, "Invalid stack name 1a must contain only alphan"),
        ({"stack_name": "a" * 256, "template": ONE}, "must be 255 characters or less"),
        ({"stack_name": "n", "template": ONE, "timeout_mins": "x"}, "Only integer is acceptable"),
        ({"stack_name": "n", "template": ONE, "timeout_mins": -1}, "non-negative integer"),
        ({"stack_name": "n", "template": ONE, "timeout_mins": 10**400}, "which is too big"),
        ({"stack_name": "n", "template": ONE, "disable_rollback": "x"}, 'Unrecognized value "x"'),
        ({"stack_name": "n", "template": ONE, "parameters": [1]}, "is not a map"),
        ({"stack_name": "n", "template": ONE, "files": "x"}, "is not a map"),
        ({"stack_name": "n", "template": ONE, "tags": ["a,b"]}, "contains a comma"),
        ({"stack_name": "n", "template": ONE, "environment": "["}, "Environment not in valid"),
        ({"stack_name": "n", "template_url": "file:///etc/passwd"}, "fetches nothing"),
    ],
)
def test_a_body_that_asks_for_nonsense_is_refused(
    raw: Callable[..., requests.Response], body: dict[str, Any], message: str
) -> None:
    answer = raw("POST", "/stacks", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


HOSTILE_BODIES = {
    "no JSON": b"{a",
    "nothing": b"",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "too big": json.dumps({"stack_name": "n", "template": "x" * 1_100_000}).encode(),
    "no text": b"\xff\xfe\x00",
    "lone surrogate": b'{"stack_name": "n", "template": "\\ud800"}',
    "surrogate in a value": (
        b'{"stack_name": "n", "template": {"heat_template_version": "2013-05-23", '
        b'"outputs": {"o": {"value": {"get_param": "\\ud800"}}, "\\ud800": 5}}}'
    ),
    "surrogate as name": b'{"stack_name": "\\ud800", "template": "x"}',
    "infinite": b'{"stack_name": "n", "timeout_mins": Infinity, "template": "a: b"}',
    "not a number": (
        b'{"stack_name": "n", "parameters": {"p": NaN}, '
        b'"template": "heat_template_version: 2013-05-23"}'
    ),
    "infinite YAML": (
        b'{"stack_name": "n", "template": '
        b'"heat_template_version: 2013-05-23\\noutputs: {o: {value: .inf}}"}'
    ),
    "infinite parameter": (
        b'{"stack_name": "n", "parameters": {"p": "inf"}, "template": '
        b'"heat_template_version: 2013-05-23\\nparameters: {p: {type: number}}"}'
    ),
    "surrogate in YAML": (
        b'{"stack_name": "n", "template": "heat_template_version: 2013-05-23\\n'
        b'outputs: {o: {value: \\"\\\\ud800\\"}}"}'
    ),
    "huge number": (
        b'{"stack_name": "n", "parameters": {"p": 1' + b"0" * 400 + b'}, "template": '
        b'"heat_template_version: 2013-05-23\\nparameters: {p: {type: number}}"}'
    ),
    "null": b'{"stack_name": null, "template": null, "parameters": null}',
}


@pytest.mark.parametrize("what", HOSTILE_BODIES)
def test_a_hostile_body_is_refused(raw: Callable[..., requests.Response], what: str) -> None:
    assert raw("POST", "/stacks", data=HOSTILE_BODIES[what]).status_code == 400
    assert raw("GET", "/stacks?limit=1").status_code == 200, "the cloud goes on"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/stacks", 405),
        ("GET", "/stacks/%2e%2e/%00", 404),
        ("GET", "/stacks/a%2Fb", 404),
        ("GET", "/stacks/" + "a" * 5000, 404),
        ("GET", "/stacks/%ff%fe", 404),
        ("GET", "/stacks/a/b/c/d/e", 404),
        ("GET", "/stacks?limit=x", 400),
        ("GET", "/stacks?limit=-1", 400),
        ("GET", "/stacks?show_deleted=x", 400),
        ("GET", "/stacks?sort_dir=x", 400),
        ("GET", "/stacks?marker=x", 200),
        ("GET", "/stacks?sort_keys=x", 200),
    ],
)
def test_an_odd_path_gets_a_plain_answer(
    raw: Callable[..., requests.Response], method: str, path: str, status: int
) -> None:
    assert raw(method, path).status_code == status


def test_a_project_is_closed_to_the_tokens_of_others(connect: Callable[..., Any]) -> None:
    made = connect(project_id="theirs").stacks.create(stack_name="s", template=ONE)
    stack_id = made["stack"]["id"]
    with pytest.raises(exc.HTTPNotFound):
        connect(project_id="mine").stacks.get(stack_id)
    assert connect().stacks.get(stack_id).stack_name == "s", "the admin project sees all"


def test_lists_are_filtered_ordered_and_cut_in_pages(heat: Any, clock: Any) -> None:
    for name in ("b", "c", "a"):
        heat.stacks.create(stack_name=name, template=ONE, tags="x" if name == "c" else None)
        clock.advance(1)
    heat.stacks.delete("a")

    def names(**options: Any) -> list[str]:
        return [stack.stack_name for stack in heat.stacks.list(**options)]

    assert names() == ["a", "c", "b"], "newest first"
    assert names(sort_dir="asc") == ["b", "c", "a"]
    assert names(sort_keys=["stack_name"]) == ["a", "b", "c"]
    assert names(sort_keys=["stack_name"], sort_dir="desc") == ["c", "b", "a"]
    assert names(filters={"name": "b"}) == ["b"]
    assert names(filters={"status": "IN_PROGRESS"}) == ["a"]
    assert names(filters={"status": "CREATE_COMPLETE"}) == ["c", "b"]
    assert names(filters={"tags": "x"}) == ["c"]
    first = next(iter(heat.stacks.list(limit=1)))
    assert names(marker=first.id, limit=2) == ["c", "b"]
    clock.advance(600)
    assert names() == ["c", "b"]
    assert names(show_deleted=True) == ["a", "c", "b"]


def test_an_admin_is_listed_the_stacks_of_all_projects_unless_one_is_asked_for(
    connect: Callable[..., Any],
) -> None:
    for project_id in ("one", "two"):
        connect(project_id=project_id).stacks.create(stack_name="listed", template=ONE)
    stacks = connect(project_id="one").stacks
    assert len(list(stacks.list(filters={"name": "listed"}))) == 2
    [own] = stacks.list(filters={"name": "listed", "tenant": "one"})
    assert own.project == "one"


def test_a_preview_makes_nothing(heat: Any) -> None:
    shown = heat.stacks.preview(stack_name="s", template=ONE)
    assert [r["resource_name"] for r in shown.resources] == ["a"]
    assert list(heat.stacks.list()) == []


def test_an_update_preview_sorts_the_changes_and_makes_none(heat: Any, stacks: Any) -> None:
    test = "{type: OS::Heat::TestResource, properties: {value: %s}}"
    random = "{type: OS::Heat::RandomString, properties: {salt: %s}}"
    template = "resources:\n  same: %s\n  changed: %s\n  replaced: %s\n  %s: %s\n"
    stacks.create(template % (test % 1, test % 1, random % 1, "gone", test % 1))
    changes = heat.stacks.preview_update(
        "s",
        template="heat_template_version: 2013-05-23\n"
        + template % (test % 1, test % 2, random % 2, "new", test % 1),
    )["resource_changes"]
    sorted_out = {kind: [r["resource_name"] for r in found] for kind, found in changes.items()}
    assert sorted_out == {
        "unchanged": ["same"],
        "updated": ["changed"],
        "replaced": ["replaced"],
        "added": ["new"],
        "deleted": ["gone"],
    }
    assert set(stacks.resources()) == {"same", "changed", "replaced", "gone"}


def test_validation_tells_the_parameters_or_what_is_wrong(heat: Any) -> None:
    template = "heat_template_version: 2013-05-23\nparameters: {p: {type: json}}\n"
    template += "resources: {a: {type: OS::Heat::%s}}\n"
    told = heat.stacks.validate(template=template % "TestResource")
    assert told["Parameters"]["p"]["Type"] == "Json"
    with pytest.raises(exc.HTTPBadRequest, match=r"The Resource Type \(OS::Heat::Foo\)"):
        heat.stacks.validate(template=template % "Foo")


def test_environment_files_and_template_are_shown_as_they_were_given(heat: Any) -> None:
    heat.stacks.create(
        stack_name="s",
        template="heat_template_version: 2013-05-23\nparameters: {p: {type: string}}\n",
        parameters={"p": "x"},
        files={"f": "text"},
    )
    assert heat.stacks.environment("s")["parameters"] == {"p": "x"}
    assert heat.stacks.files("s") == {"f": "text"}
    assert heat.stacks.template("s")["heat_template_version"] == "2013-05-23"


def test_outputs_can_be_left_out_listed_and_shown_one_by_one(heat: Any, stacks: Any) -> None:
    stacks.create("outputs: {o: {value: 1, description: one}}\n")
    assert not hasattr(heat.stacks.get("s", resolve_outputs=False), "outputs")
    assert heat.stacks.output_list("s")["outputs"] == [{"output_key": "o", "description": "one"}]
    assert heat.stacks.output_show("s", "o")["output"]["output_value"] == 1
    with pytest.raises(exc.HTTPNotFound, match="Specified output key zz not found"):
        heat.stacks.output_show("s", "zz")


def test_a_resource_on_its_way_out_can_still_be_shown(heat: Any, clock: Any, stacks: Any) -> None:
    stacks.create("resources: {a: {type: OS::Heat::TestResource}}\n")
    heat.stacks.update("s", template="heat_template_version: 2013-05-23\n")
    assert heat.resources.get("s", "a").resource_status == "DELETE_IN_PROGRESS"
    clock.advance(600)
    assert stacks.resources() == {}


def test_small_services(heat: Any, stacks: Any) -> None:
    assert heat.build_info.build_info()["engine"]["revision"]
    assert list(heat.services.list()) == []
    versions = [v.version for v in heat.template_versions.list()]
    assert "heat_template_version.2013-05-23" in versions
    stacks.create("resources: {a: {type: OS::Heat::TestResource, metadata: {k: v}}}\n")
    assert heat.resources.metadata("s", "a") == {"k": "v"}
    with pytest.raises(
        exc.HTTPNotFound, match=r"The Resource \(zz\) could not be found in Stack s"
    ):
        heat.resources.get("s", "zz")
