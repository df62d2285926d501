from __future__ import annotations

import json

import pytest

from esi_flows.model.secrets import MASK, Names


@pytest.mark.parametrize(
    "name",
    ["password", "admin_passwd", "user_credentials", "SNMP_community", "api-key", "auth_token"],
)
def test_names_that_sound_secret_are(name: str) -> None:
    assert name in Names()


@pytest.mark.parametrize("name", ["name", "id", "key_name", "attached", 3, None])
def test_other_names_are_not(name: object) -> None:
    assert name not in Names()


def test_declared_names_are_secret() -> None:
    assert Names(["pin"]).mask({"pin": "1234", "name": "x"}) == {"pin": MASK, "name": "x"}


def test_secrets_are_masked_however_deep() -> None:
    document = {"a": [{"password": "p"}], "credentials": {"user": "u", "password": "p"}}
    assert Names().mask(document) == {"a": [{"password": MASK}], "credentials": MASK}


def test_parameters_of_jobs_and_outputs_are_masked_by_their_names() -> None:
    names = Names()
    job = {"param": "password", "type": "value", "value": "p"}
    assert names.mask(job) == {"param": "password", "type": "value", "value": MASK}
    output = {"output_key": "admin_password", "output_value": "p"}
    assert names.mask(output) == {"output_key": "admin_password", "output_value": MASK}


def test_json_texts_inside_documents_are_masked() -> None:
    masked = Names().mask({"body": json.dumps({"password": "p", "name": "x"})})
    assert json.loads(masked["body"]) == {"password": MASK, "name": "x"}


@pytest.mark.parametrize(
    "text", ["[" * 900 + "]" * 900, "{no json", "[1, 2]", '{"name":  "x"}', "plain"]
)
def test_texts_without_secrets_stay_as_they_are(text: str) -> None:
    assert Names().mask(text) == text


@pytest.mark.parametrize("empty", ["", None, [], {}, False])
def test_that_a_secret_is_empty_may_be_seen(empty: object) -> None:
    assert Names().mask({"password": empty}) == {"password": empty}


def test_places_below_a_secret_field_are_covered() -> None:
    names = Names()
    assert names.covers(["credentials", 0, "user"])
    assert not names.covers(["name", 0])


@pytest.mark.parametrize(
    "document",
    [
        {"password": "s3cr3t.word"},
        {"credentials": [{"user": "s3cr3t.word"}]},
        {"param": "password", "type": "value", "value": "s3cr3t.word"},
        {"body": json.dumps({"password": "s3cr3t.word"})},
    ],
)
def test_secret_values_are_masked_in_sentences(document: object) -> None:
    text = "'s3cr3t.word' is too short (s3cr3t.word), s3cr3t.words is not"
    assert Names().mask_in(text, document) == f"'{MASK}' is too short ({MASK}), s3cr3t.words is not"


def test_numbers_and_escaped_texts_are_masked_in_sentences() -> None:
    document = {"password": 481516, "secret": 'a"b\nc'}
    text = f"481516 and {document['secret']!r} and {json.dumps(document['secret'])}"
    assert Names().mask_in(text, document) == f"{MASK} and '{MASK}' and \"{MASK}\""


@pytest.mark.parametrize("value", [None, True, "", "ab", 7])
def test_what_is_in_any_sentence_is_not_masked_in_one(value: object) -> None:
    assert Names().mask_in("True 7 ab None", {"password": value}) == "True 7 ab None"
