"""Logs of a service: lines to read or JSON objects, with their fields, without secrets."""

from __future__ import annotations

import json
import logging
import logging.config
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from esi_flows.model.errors import SettingsInvalid
from esi_flows.model.secrets import MASK, Names

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Text(logging.Formatter):
    """``2026-01-31T12:00:00.123Z INFO conductor.service: message (field=value, ...)``."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets``: values that are masked wherever they appear."""
        super().__init__()
        self._mask = _Mask(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below it where there is one."""
        fields = ", ".join(f"{name}={value}" for name, value in _fields(record, self._mask).items())
        name = record.name.removeprefix("esi_flows.")
        message = self._mask.text(record.getMessage())
        line = f"{_moment(record)} {record.levelname} {name}: {message}"
        # one line for each record, whatever a field holds
        line = (line + (f" ({fields})" if fields else "")).replace("\n", "\\n")
        trace = _trace(self, record)
        return f"{line}\n{self._mask.text(trace)}" if trace else line


class JsonLines(logging.Formatter):
    """One JSON object a line: ``at``, ``level``, ``logger``, ``message``, and the fields."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets``: values that are masked wherever they appear."""
        super().__init__()
        self._mask = _Mask(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The object, with ``traceback`` where there is one."""
        entry = {
            **_fields(record, self._mask),
            "at": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self._mask.text(record.getMessage()),
        }
        trace = _trace(self, record)
        if trace:
            entry["traceback"] = self._mask.text(trace)
        return json.dumps(entry, ensure_ascii=False, default=str)


FORMATS: dict[str, type[Text] | type[JsonLines]] = {"text": Text, "json": JsonLines}


def configure(*, format: str, level: str, secrets: Iterable[str] = ()) -> None:
    """Give every handler of the root logger this form and level."""
    root = logging.getLogger()
    formatter = FORMATS[format](secrets)
    for handler in root.handlers:
        handler.setFormatter(formatter)
        handler.setLevel(level)
    root.setLevel(level)


def configure_from(file: Path, secrets: Iterable[str] = ()) -> None:
    """Set up logging as a YAML file for dictConfig says. Raises SettingsInvalid.

    Formatters of ours in it mask ``secrets``; so it is best to name no others.
    """
    document = read_config(file)
    try:
        # unless told otherwise, what was imported before this goes on logging
        logging.config.dictConfig({"disable_existing_loggers": False, **document})
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        raise _unusable(file, error) from error
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Text | JsonLines):
            handler.setFormatter(type(handler.formatter)(secrets))


def read_config(file: Path) -> dict[str, Any]:
    """The content of such a file, which is not put to use. Raises SettingsInvalid."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _unusable(file, error) from error
    if not isinstance(document, dict) or document.get("version") != 1:
        raise _unusable(file, ValueError("it is no object with version: 1"))
    return document


def _unusable(file: Path, error: Exception) -> SettingsInvalid:
    return SettingsInvalid(
        f"logging cannot be set up from {file}: {error.__cause__ or error}",
        hint="conf/logging.yaml is one that works",
    )


class _Mask:
    """Masks fields by their names, and known secrets wherever they are."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._names = Names()
        self._pattern = Names.pattern_of(secrets)

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def value(self, name: str, value: Any) -> Any:
        masked = self._names.mask({name: value})[name]
        return self.text(masked) if isinstance(masked, str) else self._deep(masked)

    def _deep(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.value(str(name), element) for name, element in value.items()}
        if isinstance(value, list | tuple):
            return [self.value("", element) for element in value]
        if isinstance(value, bool | int | float | None):
            return value
        return self.text(str(value))


def _fields(record: logging.LogRecord, mask: _Mask) -> dict[str, Any]:
    """What was logged with ``extra``."""
    given = ((n, v) for n, v in vars(record).items() if n not in _KNOWN)
    return {name: mask.value(name, value) for name, value in given}


def _moment(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
