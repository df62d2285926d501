"""A real Redis for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import missing
from tests.worker.broker import Redis


@pytest.fixture(scope="module")
def redis_program() -> str:
    program = shutil.which("redis-server")
    if program is None:
        missing("there is no redis-server (apt-get install redis-server)")
    return program


@pytest.fixture
def redis(redis_program: str, tmp_path: Path) -> Iterator[Redis]:
    server = Redis(redis_program, tmp_path)
    yield server
    server.kill()
