"""What the command lines of the benchmarks share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import runner


def test_figures_are_written_where_that_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "results" / "some.json"
    runner.write_json({"machine": "this", "measured": [1]}, target)
    assert json.loads(target.read_text()) == {"machine": "this", "measured": [1]}
    assert str(target) in capsys.readouterr().out
    runner.write_json({}, None)
    assert capsys.readouterr().out == ""


def test_a_table_has_texts_left_and_numbers_right() -> None:
    assert runner.table(("what", "s"), [("a", "1")], texts=1).splitlines() == [
        "| what | s |",
        "|---|---:|",
        "| a | 1 |",
    ]
