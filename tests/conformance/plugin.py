"""The option ``--corpus`` and the counts at the end of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

KIND = "conformance"
"""The property of a test's report that tells what kind of recorded thing it checked."""


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = {
        outcome: Counter(
            value
            for report in terminalreporter.getreports(outcome)
            for name, value in getattr(report, "user_properties", ())
            if name == KIND
        )
        for outcome in ("passed", "failed")
    }
    kinds = sorted(counts["passed"].keys() | counts["failed"].keys())
    if kinds:
        terminalreporter.section("conformance with the recordings")
    for kind in kinds:
        passed, failed = counts["passed"][kind], counts["failed"][kind]
        terminalreporter.write_line(f"{kind}: {passed} of {passed + failed}")
