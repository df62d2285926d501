"""What tests need of the machine and do not find."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """End a test that cannot run: skipped at home, failed in CI, which has to bring all of it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
