from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.loader import load_deployment
from esi_flows.deployments.types import Deployment
from esi_flows.model.errors import InvalidInput

Write = Callable[[Mapping[str, str]], Path]

NETWORK = "type: network\nid: n1\nbody: {name: blue}\n"
PORT = "type: port\nid: p1\nbody:\n  network_id: n1\n  attached: false\n"


def names(deployment: Deployment) -> list[list[str]]:
    return [[str(wanted.resource) for wanted in step.intents] for step in deployment.steps]


def findings(folder: Path, catalog: Catalog) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        load_deployment(folder, catalog)
    return [str(f).replace(f"{folder}", "D") for f in caught.value.findings]


def test_files_directly_in_the_folder_are_one_step(write: Write, catalog: Catalog) -> None:
    deployment = load_deployment(write({"b.yaml": NETWORK, "a.yml": PORT}), catalog)
    assert deployment.name == "d"
    assert names(deployment) == [["network:n1", "port:p1"]]


def test_sub_folders_are_steps_in_name_order(write: Write, catalog: Catalog) -> None:
    folder = write(
        {
            "20-attach/p.yaml": PORT.replace("false", "true"),
            "10-create/all.yaml": f"{PORT}---\n{NETWORK}",
            "README.md": "not an intent",
            "pictures/x.svg": "<svg/>",
        }
    )
    deployment = load_deployment(folder, catalog)
    assert [step.name for step in deployment.steps] == ["10-create", "20-attach"]
    assert names(deployment) == [["network:n1", "port:p1"], ["port:p1"]]
    assert deployment.steps[1].intents[0].body["attached"] is True


def test_the_id_is_put_into_the_body(write: Write, catalog: Catalog) -> None:
    (step,) = load_deployment(write({"a.yaml": NETWORK}), catalog).steps
    assert step.intents[0].body == {"id": "n1", "name": "blue"}


def test_intents_remember_their_file_and_line(write: Write, catalog: Catalog) -> None:
    folder = write({"a.yaml": f"# two\n---\n{NETWORK}---\n{PORT}"})
    (step,) = load_deployment(folder, catalog).steps
    assert [w.where for w in step.intents] == [f"{folder}/a.yaml:3", f"{folder}/a.yaml:7"]


def test_dates_stay_the_text_they_were_written_as(write: Write, catalog: Catalog) -> None:
    folder = write({"a.yaml": "type: network\nid: n1\nbody: {name: 2026-01-31}\n"})
    assert load_deployment(folder, catalog).steps[0].intents[0].body["name"] == "2026-01-31"


def test_anchors_are_plain_yaml(write: Write, catalog: Catalog) -> None:
    folder = write({"a.yaml": "type: network\nid: &i n1\nbody: {name: *i}\n"})
    assert load_deployment(folder, catalog).steps[0].intents[0].body["name"] == "n1"


def test_a_folder_that_is_none(tmp_path: Path, catalog: Catalog) -> None:
    assert findings(tmp_path / "nowhere", catalog) == [
        "D: does not exist (give a folder with YAML files of intents)"
    ]


def test_a_file_instead_of_a_folder(write: Write, catalog: Catalog) -> None:
    file = write({"a.yaml": NETWORK}) / "a.yaml"
    assert findings(file, catalog) == [
        "D: is a file, not a folder (give a folder with YAML files of intents)"
    ]


def test_a_folder_without_yaml(write: Write, catalog: Catalog) -> None:
    assert findings(write({"readme.txt": "x"}), catalog) == [
        "D: has no YAML file in it (intents are in files ending in .yaml)"
    ]


def test_yaml_files_without_a_document(write: Write, catalog: Catalog) -> None:
    assert findings(write({"a.yaml": "# nothing\n---\n---\n"}), catalog) == [
        "D: holds no intent (every YAML file in it is empty)"
    ]


def test_files_beside_steps_are_refused(write: Write, catalog: Catalog) -> None:
    assert findings(write({"a.yaml": NETWORK, "10/b.yaml": PORT}), catalog) == [
        "D/a.yaml: is beside the folder of a step (10)"
        " (put every file into the folder of a step, or none)"
    ]


def test_files_below_a_step_are_not_silently_left_out(write: Write, catalog: Catalog) -> None:
    assert findings(write({"10/a.yaml": NETWORK, "10/more/b.yaml": PORT}), catalog) == [
        "D/10/more/b.yaml: is too deep (steps are folders with files, no more)"
    ]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "type: network\n  id: n1\n",
            "D/a.yaml:2: is not YAML: mapping values are not allowed here",
        ),
        (
            "type: [network\n",
            "D/a.yaml:2: is not YAML: expected ',' or ']', but got '<stream end>'",
        ),
        ("a: *none\n", "D/a.yaml:1: is not YAML: found undefined alias 'none'"),
        ("just text\n", "D/a.yaml:1: is not an object (an intent has type, id and body)"),
        ("- type: network\n", "D/a.yaml:1: is not an object (an intent has type, id and body)"),
        ("type: network\ntype: port\n", "D/a.yaml:2: 'type' is given twice (keep one of them)"),
        ("1: x\n", "D/a.yaml:1: name 1 is not a text (put it in quotes)"),
        ("a: .nan\n", "D/a.yaml:1: .nan is not a number that JSON has"),
        ("a: !!set {x}\n", "D/a.yaml:1: tag 'tag:yaml.org,2002:set' has no meaning here"),
        ("a: !!binary aGk=\n", "D/a.yaml:1: tag 'tag:yaml.org,2002:binary' has no meaning here"),
        ("a: !python/object x\n", "D/a.yaml:1: 'x' cannot be read as !python/object"),
        ("<<: {a: 1}\n", "D/a.yaml:1: merge keys (<<) are not supported"),
        ("a: &x [*x]\n", "D/a.yaml:1: has more than 100000 values or 50 levels"),
    ],
)
def test_yaml_that_is_none_or_more_than_json(
    write: Write, catalog: Catalog, text: str, finding: str
) -> None:
    (found,) = findings(write({"a.yaml": text}), catalog)
    assert found.startswith(finding)


def test_aliases_cannot_make_a_document_explode(write: Write, catalog: Catalog) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (found,) = findings(write({"a.yaml": "\n".join(lines)}), catalog)
    assert "has more than 100000 values" in found


def test_a_file_that_is_no_text(write: Write, catalog: Catalog) -> None:
    folder = write({"a.yaml": NETWORK})
    (folder / "b.yaml").write_bytes(b"name: \xff\xfe")
    assert findings(folder, catalog) == ["D/b.yaml: is not UTF-8 text: byte 6 is invalid"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: n1\nbody: {}\n", ["D/a.yaml:1: member 'type' is missing"]),
        ("type: network\nbody: {}\n", ["D/a.yaml:1: member 'id' is missing"]),
        ("type: network\nid: n1\n", ["D/a.yaml:1: member 'body' is missing"]),
        ("type: 1\nid: n1\nbody: {}\n", ["D/a.yaml:1: member 'type' is not a text"]),
        ("type: network\nid: n1\nbody: x\n", ["D/a.yaml:3: member 'body' is not an object"]),
        (
            "type: network\nid: 0123\nbody: {}\n",
            ["D/a.yaml:2: id 83 is not a text (put it in quotes)"],
        ),
        (
            "type: network\nid: a/b\nbody: {}\n",
            [
                "D/a.yaml:2: id 'a/b' is not usable in a key"
                " (letters, digits, '.', '_' and '-', starting with a letter or digit)"
            ],
        ),
        (
            "type: netwrok\nid: n1\nbody: {}\n",
            ["D/a.yaml:1: unknown type 'netwrok' (did you mean 'network'?)"],
        ),
        (
            "type: zzz\nid: n1\nbody: {}\n",
            ["D/a.yaml:1: unknown type 'zzz' (known: network, port, subnet)"],
        ),
        (
            "type: network\nid: n1\nbdy: {}\nbody: {}\n",
            ["D/a.yaml:3: 'bdy' is no member (did you mean 'body'?)"],
        ),
        (
            "type: network\nid: n1\nbody: {id: n2}\n",
            [
                "D/a.yaml:3: network:n1: the id in the body is another one"
                " (leave it out of the body)"
            ],
        ),
    ],
)
def test_members_of_an_intent(
    write: Write, catalog: Catalog, text: str, expected: list[str]
) -> None:
    assert findings(write({"a.yaml": text}), catalog) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "attchd: true",
            "D/a.yaml:5: port:p1: attchd: is no field of this type (did you mean 'attached'?)",
        ),
        (
            "attached: 'yes'",
            "D/a.yaml:5: port:p1: attached: 'yes' is a text, must be true or false",
        ),
        (
            "kind: vlna",
            "D/a.yaml:5: port:p1: kind: 'vlna' is none of vlan, access (did you mean 'vlan'?)",
        ),
    ],
)
def test_fields_are_checked_against_the_schema(
    write: Write, catalog: Catalog, body: str, expected: str
) -> None:
    folder = write({"a.yaml": f"type: port\nid: p1\nbody:\n  name: x\n  {body}\n"})
    assert findings(folder, catalog) == [expected]


def test_a_number_out_of_range(write: Write, catalog: Catalog) -> None:
    folder = write({"a.yaml": "type: network\nid: n1\nbody: {vlan: 5000}\n"})
    assert findings(folder, catalog) == [
        "D/a.yaml:3: network:n1: vlan: 5000 is out of range: maximum is 4094"
    ]


def test_the_value_of_a_secret_is_not_repeated(write: Write, catalog: Catalog) -> None:
    folder = write({"a.yaml": "type: port\nid: p1\nbody: {pin: 123456}\n"})
    (found,) = findings(folder, catalog)
    assert found == "D/a.yaml:3: port:p1: pin: this value is a whole number, must be a text"


def test_the_same_resource_twice_in_a_step(write: Write, catalog: Catalog) -> None:
    (found,) = findings(write({"a.yaml": NETWORK, "b.yaml": NETWORK}), catalog)
    assert found.startswith("D/b.yaml:1: network:n1 is given twice in this step (the first is D")


def test_everything_that_is_wrong_is_found_at_once(write: Write, catalog: Catalog) -> None:
    folder = write(
        {
            "a.yaml": "type: netwrok\nid: n1\nbody: {}\n---\ntype: network\nid: n2\nbody: {x: 1}\n",
            "b.yaml": "type: [\n",
            "c.yaml": "type: port\nid: p1\nbody: {attached: 3, kind: no}\n",
        }
    )
    assert [f.partition(": ")[0] for f in findings(folder, catalog)] == [
        "D/a.yaml:1",
        "D/a.yaml:7",
        "D/b.yaml:2",
        "D/c.yaml:3",
        "D/c.yaml:3",
    ]


def test_cycles_are_named(write: Write, catalog: Catalog) -> None:
    text = "type: port\nid: {}\nbody: {{peer_ids: [{}]}}\n"
    folder = write({"a.yaml": "---\n".join(text.format(*p) for p in ["ab", "bc", "ca", "da"])})
    (found,) = findings(folder, catalog)
    assert found == (
        "D/a.yaml:1: relations go round in a circle: port:a -> port:b -> port:c -> port:a"
        " (give one of them its relation in a later step)"
    )
