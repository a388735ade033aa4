from __future__ import annotations

import io
from threading import Thread

import pytest
from rich.console import Console

from gramian.cli.progress import Bar, Hidden, Lines, PassProgress, Watch


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def test_a_line_every_ten_seconds(clock):
    said: list[str] = []
    watch = Watch(Lines(said.append), clock)
    watch.start(40_000, 4_000_000)
    for _ in range(25):
        clock.seconds += 1
        watch.advance(1000, 100_000)
    watch.stop()
    assert said == [
        "reading: 10.0k of 40.0k rows, 0:30 left, 1,000 rows/s, 1.0 MB of 4.0 MB",
        "reading: 20.0k of 40.0k rows, 0:20 left, 1,000 rows/s, 2.0 MB of 4.0 MB",
    ]


def test_every_pass_begins_anew(clock):
    said: list[str] = []
    watch = Watch(Lines(said.append), clock)
    for _ in range(2):
        watch.start(None, None)
        clock.seconds += 11
        watch.advance(5, 0)
        watch.stop()
    assert said == ["reading: 5 rows, 0 rows/s", "reading: pass 2, 5 rows, 0 rows/s"]


@pytest.mark.parametrize(
    ("trip", "said"),
    [
        (PassProgress(None, None), "0 rows"),
        (PassProgress(None, 10**9, 5, 10**8, 2.0), "5 rows, 0:18 left, 2 rows/s, 100.0 MB of 1.0 GB"),
        (PassProgress(10**9, None, 10**8, 0, 1000.0), "100.0M of 1.0G rows, 2:30:00 left, 100.0k rows/s"),
        (PassProgress(5, None, 6, 0, 1e-9), "6 of 5 rows, 0:00 left, 6.0G rows/s"),
    ],
)
def test_what_is_said(trip, said):
    assert trip.text() == said


def test_what_there_is_no_room_for_is_not_said():
    trip = PassProgress(10**8, 10**9, 5 * 10**7, 5 * 10**8, 10.0)
    assert trip.text(50) == "50.0M of 100.0M rows, 0:10 left, 5.0M rows/s"
    assert trip.text(10) == "50.0M of 100.0M rows"


def test_the_part_that_is_done():
    assert PassProgress(None, None, 5, 5).fraction is None
    assert PassProgress(10, 10, 5, 1).fraction == 0.5
    assert PassProgress(None, 10, 5, 1).fraction == 0.1
    assert PassProgress(10, 10, 12, 1).fraction == 1


def test_threads_are_counted_together(clock):
    watch = Watch(Hidden(), clock)
    watch.start(None, None)
    threads = [Thread(target=lambda: [watch.advance(1, 2) for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (watch.progress.rows, watch.progress.size) == (4000, 8000)


def test_an_interrupt_stops_who_reads(clock):
    watch = Watch(Hidden(), clock)
    watch.start(None, None)
    with pytest.raises(KeyboardInterrupt):
        watch.interrupt(2, None)
    with pytest.raises(KeyboardInterrupt):
        watch.advance(1, 1)


def test_the_bar_leaves_nothing_behind(clock):
    screen = io.StringIO()
    watch = Watch(Bar(Console(file=screen, force_terminal=True, width=120, color_system=None)), clock)
    watch.start(10, 1000)
    clock.seconds += 1
    watch.advance(5, 500)
    watch.stop()
    watch.stop()
    assert "5 of 10 rows, 0:01 left, 5 rows/s, 500 bytes of 1.0 kB" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[1A\x1b[2K")
