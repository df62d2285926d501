"""The option ``--corpus`` and the counts at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

KIND = "conformance"
"""The property of a test's report that tells what kind of recorded thing it checked."""

CHECKED = "conformance of one"
"""The same of a test that checks many: the kind of one of them, and whether it was as recorded."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--corpus",
        type=Path,
        metavar="DIR",
        help="recorded traffic to compare with (default: ../shared/corpus beside the project)",
    )


def corpus_folder(config: pytest.Config) -> Path:
    """Where the recorded traffic is, whether or not it is there."""
    given: Path | None = config.getoption("--corpus")
    return given if given is not None else config.rootpath.parent / "shared" / "corpus"


def is_corpus(folder: Path) -> bool:
    """Whether recorded traffic is in the folder."""
    return (folder / "schemas.json").is_file()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    checked = [
        (kind, same)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for kind, same in _checked(report)
    ]
    total = Counter(kind for kind, _ in checked)
    same = Counter(kind for kind, is_same in checked if is_same)
    if total:
        terminalreporter.section("conformance with the recordings")
    for kind in sorted(total):
        terminalreporter.write_line(f"{kind}: {same[kind]} of {total[kind]}")


def _checked(report: pytest.TestReport) -> Iterator[tuple[str, bool]]:
    for name, value in getattr(report, "user_properties", ()):
        if name == KIND:
            yield str(value), report.passed
        elif name == CHECKED:
            kind, same = value
            yield kind, same
