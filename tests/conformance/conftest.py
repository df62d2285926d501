"""Where the recorded traffic comes from, and what each test takes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import recordings
from tests.conformance.plugin import CHECKED, KIND, corpus_folder, is_corpus
from tests.needs import missing

SOURCES: dict[str, Callable[[Path], Iterator[Any]]] = {}
"""What can be asked for by a test's argument: how to find all of it in a corpus."""


def each(argument: str) -> Callable[[Callable[[Path], Iterator[Any]]], None]:
    def register(find: Callable[[Path], Iterator[Any]]) -> None:
        SOURCES[argument] = find

    return register


@each("case")
def find_cases(corpus: Path) -> Iterator[Any]:
    for case in recordings.cases(corpus):
        yield pytest.param(case, id=str(case))


@each("rendering")
def find_renderings(corpus: Path) -> Iterator[Any]:
    for recording in recordings.recordings(corpus):
        for number, rendering in enumerate(recording.document["heat_jobs"]):
            name = f"{recording}-{number}-{rendering['job']}"
            yield pytest.param((recording, rendering), id=name)


@each("monitored")
def find_monitored(corpus: Path) -> Iterator[Any]:
    for recording in recordings.recordings(corpus):
        for job in recording.jobs.values():
            if job.handler == "monitoring_worker":
                name = f"{recording}-{job.id}"
                yield pytest.param((recording, job), id=name)


@each("replayed")
def find_replayed(corpus: Path) -> Iterator[Any]:
    for recording in recordings.recordings(corpus):
        yield pytest.param(recording, id=str(recording))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    corpus = corpus_folder(metafunc.config)
    for argument, find in SOURCES.items():
        if argument in metafunc.fixturenames:
            # without a corpus one test of each is left, to say so
            there = list(find(corpus)) if is_corpus(corpus) else [pytest.param(None, id="none")]
            metafunc.parametrize(argument, there)


@pytest.fixture(autouse=True)
def corpus(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Path:
    """The recorded traffic. Without it: skipped at home, failed in CI."""
    folder = corpus_folder(request.config)
    if not is_corpus(folder):
        missing(f"there is no recorded traffic in {folder}; give its folder with --corpus")
    marker = request.node.get_closest_marker("kind")
    if marker is not None:
        record_property(KIND, marker.args[0])
    return folder


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[str, bool], None]:
    """Counts one recorded thing of a kind, and whether ours is like it."""

    def record(kind: str, same: bool) -> None:
        record_property(CHECKED, [kind, same])

    return record
