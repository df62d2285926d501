"""A log line is one line, with its fields, and without secrets."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from esi_flows.model.errors import SettingsInvalid
from esi_flows.model.secrets import MASK
from esi_flows.operation import logs
from esi_flows.operation.logs import FORMATS, JsonLines, Text

CONF = Path(__file__).parents[2] / "conf"
SECRET = "correct-horse"


def logged(
    formatter: logging.Formatter,
    message: str,
    *,
    exc_info: BaseException | None = None,
    **extra: object,
) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("esi_flows.somewhere")
    logger.addHandler(handler)
    logger.info(message, extra=extra, exc_info=exc_info)
    return stream.getvalue()


def test_text_has_moment_level_place_message_and_fields() -> None:
    line = logged(Text(), "group ended", group="port:1:2", state="SUCCESS")
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    wanted = rf"{moment} INFO somewhere: group ended \(group=port:1:2, state=SUCCESS\)\n"
    assert re.fullmatch(wanted, line)


def test_json_is_an_object_with_the_fields_as_they_are() -> None:
    entry = json.loads(logged(JsonLines(), "claimed", attempt=2, jobs=["a"], of=Path("x")))
    assert entry["message"] == "claimed"
    assert entry["level"] == "INFO"
    assert entry["logger"] == "esi_flows.somewhere"
    assert (entry["attempt"], entry["jobs"], entry["of"]) == (2, ["a"], "x")


@pytest.mark.parametrize("name", FORMATS)
def test_a_field_cannot_begin_a_line_of_its_own(name: str) -> None:
    text = logged(FORMATS[name](), "refused", reason="x\n2026-01-01T00:00:00.000Z INFO forged: y")
    assert text.count("\n") == 1


def test_fields_do_not_take_the_place_of_what_every_line_has() -> None:
    entry = json.loads(logged(JsonLines(), "said", level="none", at="never"))
    assert entry["level"] == "INFO"
    assert entry["at"] != "never"


@pytest.mark.parametrize("name", FORMATS)
def test_secrets_are_masked_wherever_they_are(name: str) -> None:
    formatter = FORMATS[name]([SECRET])
    text = logged(
        formatter, f"sent {SECRET}", reason=f"'{SECRET}' is refused", deep=[{"x": SECRET}]
    )
    assert SECRET not in text
    assert text.count(MASK) == 3
    try:
        raise ValueError(f"not {SECRET}!")
    except ValueError as error:
        text = logged(formatter, "failed", exc_info=error)
    assert "ValueError" in text
    assert SECRET not in text


@pytest.mark.parametrize("name", FORMATS)
def test_fields_with_secret_names_are_masked_whatever_they_hold(name: str) -> None:
    text = logged(FORMATS[name](), "said", admin_password="x7", body={"token": "y8", "id": "z9"})
    assert "x7" not in text
    assert "y8" not in text
    assert "z9" in text


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger; it is as before after the test."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    for handler in set(logger.handlers) - set(handlers):
        handler.close()
    logger.handlers[:] = handlers
    logger.setLevel(level)


def test_logging_can_be_set_up_from_the_sample(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure_from(CONF / "logging.yaml", [SECRET])
    logging.getLogger("esi_flows.x").info("sent %s", SECRET)
    entry = json.loads(capsys.readouterr().err)
    assert entry["message"] == f"sent {MASK}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "while parsing"),
        ("- 1", "version: 1"),
        ("version: 1\nformatters: {x: {(): no.such.thing}}", "no"),
        ("version: 1\nroot: {handlers: [none]}", "none"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    text: str, reason: str, root: logging.Logger, tmp_path: Path
) -> None:
    file = tmp_path / "logging.yaml"
    file.write_text(text)
    with pytest.raises(SettingsInvalid, match=reason) as caught:
        logs.configure_from(file)
    assert str(file) in caught.value.message


def test_who_logged_before_goes_on(root: logging.Logger, tmp_path: Path) -> None:
    earlier = logging.getLogger("esi_flows.earlier")
    file = tmp_path / "logging.yaml"
    file.write_text("version: 1\n")
    logs.configure_from(file)
    assert not earlier.disabled
