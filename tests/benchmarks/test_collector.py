"""The benchmark of the collector measures what it says."""

from __future__ import annotations

import pytest

from benchmarks.collector.__main__ import table
from benchmarks.collector.measure import measure_one

pytestmark = pytest.mark.etcd


@pytest.mark.usefixtures("etcd_program")
def test_every_target_is_asked_again_in_its_interval() -> None:
    measured = measure_one(20, 1.0)
    assert measured.targets == 20
    assert measured.first_round_seconds > 0
    assert 0 < measured.processor_percent < 200
    assert 0 <= measured.lateness_median_seconds <= measured.lateness_p99_seconds
    assert table(measured).splitlines()[2].startswith("| 20 | 1 |")
