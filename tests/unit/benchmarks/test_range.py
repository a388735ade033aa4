"""The benchmark of the range of sizes runs, at small sizes, and is drawn; its figures are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

from runner import FREE, LEAST_ROUNDS, Bar, Contender, Race, run

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
RACES = ("rows-1000", "100000x300", "careful-1000000x50", "levels-100", "three")


def test_the_benchmark_measures_and_draws(tmp_path: Path) -> None:
    file, picture = tmp_path / "results.json", tmp_path / "range.svg"
    chosen = [word for name in RACES for word in ("--only", name)]
    for command in (
        [BENCHMARKS / "range.py", "--quick", "--rounds", "1", "--json", file, *chosen],
        [BENCHMARKS / "range_picture.py", file, picture],
    ):
        subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True, text=True)
    races = {r["name"]: {c["against"] for c in r["comparisons"]} for r in json.loads(file.read_text())["races"]}
    assert races.keys() == set(RACES)
    assert races["careful-1000000x50"] == {"X @ b"}
    assert {"numpy normal equation", "one read"} <= races["100000x300"]
    assert "<svg" in picture.read_text()


def test_a_race_that_takes_too_long_ends_after_few_rounds() -> None:
    contenders = [Contender(name, list) for name in "ab"]
    for seconds, rounds in ((0.0, LEAST_ROUNDS), (FREE, LEAST_ROUNDS + 2)):
        outcome = run(Race("r", "", contenders, [Bar("a", "b", FREE)], seconds=seconds), LEAST_ROUNDS + 2)
        assert [len(taken) for taken in outcome.timings.values()] == [rounds, rounds]
