"""What is written in configuration files, as it is written: where, and whether anybody knows it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg, iniparser

from esi_flows.model.errors import Finding
from esi_flows.model.secrets import Names


@dataclass(frozen=True, slots=True)
class Written:
    """One line ``name = value`` of a configuration file."""

    file: Path
    section: str
    name: str
    value: str


def files_of(files: Sequence[Path], folders: Sequence[Path]) -> Iterator[Path]:
    """All files in the order in which they are read; the later one is right."""
    yield from files
    for folder in folders:
        yield from sorted(folder.glob("*.conf"))


def read(files: Iterable[Path]) -> tuple[list[Written], list[Finding]]:
    """Every line of all files, and why some of the files cannot be read."""
    written: list[Written] = []
    findings = []
    for file in files:
        sections: dict[str, dict[str, list[str]]] = {}
        try:
            cfg.ConfigParser(str(file), sections).parse()
        except iniparser.ParseError as error:
            where = f"{file}:{error.lineno}"
            findings.append(Finding(where, error.msg, "lines are: name = value, below a [section]"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            findings.append(Finding(str(file), f"cannot be read: {reason}"))
        written += [
            Written(file, section, name, value)
            for section, lines in sections.items()
            for name, values in lines.items()
            for value in values
        ]
    return written, findings


def secrets_in(files: Iterable[Path]) -> frozenset[str]:
    """Every value that is configured under a secret name, in files or in ``OS_*`` variables."""
    names = Names()
    written, _ = read(files)
    found = {line.value for line in written if line.name in names}
    found |= {v for name, v in os.environ.items() if name.startswith("OS_") and name in names}
    return frozenset(filter(None, found))
