"""What is printed, to the letter, on screens of different kinds."""

from __future__ import annotations

import io
import re

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.cli.lines import LineLog
from esi_flows.cli.results import result_table, summary
from esi_flows.cli.screen import Screen, seconds
from esi_flows.cli.tree import live_lines, shortened
from esi_flows.deployments.board import PREFIXES, Board
from esi_flows.deployments.progress import Followed, Phase
from esi_flows.model import keys
from esi_flows.store.etcd import EtcdStore
from tests.cli.world import NETWORK, PORT, SUBNET, TENANT, fill


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what was written to it."""

    def __init__(self, encoding: str) -> None:
        self.written = io.BytesIO()
        super().__init__(self.written, encoding=encoding, write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return self.written.getvalue().decode(self.encoding)


@pytest.fixture
def board(store: EtcdStore, catalog: Catalog) -> Board:
    fill(store, catalog)
    cache = {item.key: item for prefix in PREFIXES for item in store.range(prefix).items}
    followed = [Followed(resource, 1) for resource in (TENANT, NETWORK, SUBNET, PORT)]
    board = Board(cache.get, catalog, followed)
    board.update(key for key in cache if key.startswith(keys.PERSISTENCE))
    return board


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def table(board: Board, encoding: str, width: int) -> str:
    terminal = Terminal(encoding)
    screen = Screen(terminal, width=width)
    for line in result_table(screen, list(board.resources.values())):
        screen.line(line)
    return re.sub(r"\x1b\[[0-9]*m", "", terminal.text)


WIDE = """\
  Resource                                      v  Result    Jobs  Waiting  Heat    Own  Total
✔ tenant:c552834d72854e4bb6881bab903eb7dc       1  done         -        -     -      -      -
✔ network:9dd2540c-934c-4db7-bc33-83059bf6905d  1  done         2    0.50s  1.3s  0.20s   2.0s
↺ subnet:e42524f9-80ab-49d3-92e6-948c82c0bc88   1  reverted     1     2.0s     -   1.0s   3.0s
◷ port:7e99bb70-5e1a-4c14-972c-8db8d52aee2f     1  waiting      2        -     -      -      -
"""
NARROW = """\
  Resource                        v  Result    Jobs  Waiting  Heat    Own  Total
✔ tenant:c552834d72854e4bb6881b…  1  done         -        -     -      -      -
✔ network:9dd2540c-934c-4db7-bc…  1  done         2    0.50s  1.3s  0.20s   2.0s
↺ subnet:e42524f9-80ab-49d3-92e…  1  reverted     1     2.0s     -   1.0s   3.0s
◷ port:7e99bb70-5e1a-4c14-972c-…  1  waiting      2        -     -      -      -
"""
ASCII = """\
  Resource                        v  Result    Jobs  Waiting  Heat    Own  Total
+ tenant:c552834d72854e4bb688...  1  done         -        -     -      -      -
+ network:9dd2540c-934c-4db7-...  1  done         2    0.50s  1.3s  0.20s   2.0s
< subnet:e42524f9-80ab-49d3-9...  1  reverted     1     2.0s     -   1.0s   3.0s
. port:7e99bb70-5e1a-4c14-972...  1  waiting      2        -     -      -      -
"""


@pytest.mark.parametrize(
    ("encoding", "width", "expected"),
    [("utf-8", 120, WIDE), ("utf-8", 80, NARROW), ("ascii", 80, ASCII)],
)
def test_the_table_of_results_fits_the_screen(
    board: Board, encoding: str, width: int, expected: str
) -> None:
    assert table(board, encoding, width) == expected


LIVE = """\
✔ tenant:c552834d  v1
✔ network:9dd2540c  v1 create  2.0s
↺ subnet:e42524f9  v1 create  3.0s  Quota exceeded for subnet
  ✖ create:heat_worker  failed  Quota exceeded for subnet
◷ port:7e99bb70  v1 create  5.0s  waits for subnet:e42524f9 (create:heat_worker)
"""
FOLDED = """\
✔ 2 done
↺ subnet:e42524f9  v1 create  3.0s  Quota exceeded for subnet
  ✖ create:heat_worker  failed  Quota exceeded for subnet
◷ port:7e99bb70  v1 create  5.0s  waits for subnet:e42524f9 (create:heat_worker)
"""
CUT = """\
✔ 2 done
◷ 1 waiting
  … 2 more lines
"""


@pytest.mark.parametrize(("height", "expected"), [(20, LIVE), (4, FOLDED), (3, CUT)])
def test_the_live_tree_folds_until_it_fits(board: Board, height: int, expected: str) -> None:
    screen = Screen(Terminal("utf-8"), width=80)
    resources = list(board.resources.values())
    lines = live_lines(screen, board, resources, now=1005.0, height=height)
    assert "".join(f"{line.plain}\n" for line in lines) == expected


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_of_the_live_tree_is_wider_than_the_screen(board: Board, width: int) -> None:
    screen = Screen(Terminal("utf-8"), width=width)
    resources = list(board.resources.values())
    lines = live_lines(screen, board, resources, now=1005.0, height=50)
    assert max(line.cell_len for line in lines) <= width


LOG = f"""\
✔ {TENANT} v1 READ_COMPLETE
✔ {NETWORK} create:heat_worker done in 1.4s
✔ {NETWORK} create:monitoring_worker done in 0.10s
✔ {NETWORK} v1 CREATE_COMPLETED in 2.0s (waited 0.50s, Heat 1.3s, own 0.20s)
✖ {SUBNET} create:heat_worker failed: Quota exceeded for subnet
↺ {SUBNET} v1 CREATE_FAILED in 3.0s (waited 2.0s, Heat 0.00s, own 1.0s): Quota exceeded for subnet
◷ {PORT} waits for {SUBNET} (create:heat_worker)
"""


def test_without_a_terminal_every_event_is_one_line_said_once(board: Board) -> None:
    stream = io.StringIO()
    log = LineLog(Screen(stream, width=40))
    for _ in range(2):
        log.show(board, list(board.resources.values()))
    lines = stream.getvalue().splitlines()
    assert "".join(f"{line[9:]}\n" for line in lines) == LOG


def test_quiet_prints_nothing(board: Board) -> None:
    stream = io.StringIO()
    LineLog(Screen(stream, quiet=True)).show(board, list(board.resources.values()))
    assert stream.getvalue() == ""


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    red = "\x1b[1;31m"

    def printed() -> str:
        terminal = Terminal("utf-8")
        screen = Screen(terminal)
        screen.line(screen.symbol(Phase.FAILED))
        return terminal.text

    assert red not in printed()
    monkeypatch.delenv("NO_COLOR")
    assert red in printed()


def test_the_summary_counts_resources_not_versions(board: Board) -> None:
    resources = list(board.resources.values())
    counted = "4 resources: 1 waiting, 2 done, 1 reverted"
    assert summary([*resources, *resources], resources) == f"{counted}; 3.0s from first to last"
    assert summary(resources, []) == counted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00s"),
        (0.044, "0.04s"),
        (2.34, "2.3s"),
        (9.96, "10s"),
        (41.2, "41s"),
        (59.7, "1m00s"),
        (134, "2m14s"),
        (3720, "1h02m"),
    ],
)
def test_durations_are_short_to_read(value: float, text: str) -> None:
    assert seconds(value) == text


def test_long_ids_are_cut_and_short_ones_are_not() -> None:
    assert shortened(f"{NETWORK} waits for {TENANT}, port:abc") == (
        "network:9dd2540c waits for tenant:c552834d, port:abc"
    )
