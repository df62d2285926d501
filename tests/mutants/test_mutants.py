"""Each of the mistakes that must never be made makes a test fail that is named here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.plugin import MUTANTS

ROOT = Path(__file__).parents[2]
SIMULATED = (
    "tests/crash/test_simulated.py::test_dead_at_any_step_the_end_is_that_of_an_undisturbed_run[{}]"
)
SUCCESS = SIMULATED.format("linear-success")
FAULTS = "tests/crash/test_faults.py::test_whatever_fails_the_rules_hold_and_everything_ends"

KILLERS = {
    "claim-not-compared": SUCCESS,
    "marker-not-compared": SUCCESS,
    "end-in-two": SUCCESS,
    "outcome-in-two": SUCCESS,
    "unknown-taken-for-done": FAULTS,
    "started-before-durable": SUCCESS,
    "lease-deadline-ignored": "tests/store/test_lease.py",
}


def run(test: str, mutant: str = "") -> int:
    """How the test ends in a process of its own: 0 if it passes, 1 if it fails."""
    plugins = ["-p", "no:cacheprovider", "-p", "tests.mutants.plugin"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--timeout", "60", *plugins, test],
        cwd=ROOT,
        env={**os.environ, "ESI_FLOWS_MUTANT": mutant, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=110,
        check=False,
    )
    return ended.returncode


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_noticed_by_the_test_that_is_there_for_it(mutant: str) -> None:
    assert run(KILLERS[mutant], mutant) == 1


def test_what_notices_most_mutants_passes_without_one() -> None:
    assert run(SUCCESS) == 0
