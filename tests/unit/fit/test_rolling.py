"""Windows of time: each is the fit of its rows; lengths, groups, decay, tables, pictures and messages."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import gramian as gm
from gramian.cli.main import gramian
from gramian.engines.local import Local
from gramian.errors import ColumnError, DataError, FormulaError, GramianError, NumericalError, OptionError, SchemaError
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.rolling.options import length_of, windows_of
from gramian.fit.rolling.windows import RangeSums

RANDOM = np.random.default_rng(11)
ROWS = 1500
START = pd.Timestamp("2023-12-04 00:00:00")  # a Monday
SECONDS = RANDOM.integers(0, 150 * 86_400, ROWS)
DATA = pd.DataFrame(
    {
        "time": START + pd.to_timedelta(SECONDS, unit="s"),
        "x": RANDOM.normal(5.0, 2.0, ROWS),
        "f": RANDOM.choice(list("abc"), ROWS),
        "firm": RANDOM.choice(["p", "q"], ROWS),
        "w": RANDOM.uniform(0.5, 2.0, ROWS),
        "n": RANDOM.integers(1, 4, ROWS),
    }
)
DATA["date"] = DATA["time"].dt.date
DATA["t"] = SECONDS // 86_400
DATA["y"] = 1 + DATA["x"] * (1 + SECONDS / 1e7) + (DATA["f"] == "b") + RANDOM.normal(size=ROWS)
DATA["z"] = DATA["y"] ** 2


def check_same(window: Any, rows: pd.DataFrame, formula: str = "y ~ x + f", **options: Any) -> None:
    """A window has the numbers of a fit of its own rows."""
    fit = gm.ols(formula, rows, **options)
    assert window.names == fit.names
    assert window.rows == fit.rows
    # both have at least ten certified digits
    assert np.allclose(window.coefficients, fit.coefficients, rtol=1e-10, atol=1e-10)
    assert np.allclose(window.std_errors, fit.std_errors, rtol=1e-10)
    assert window.loglik == pytest.approx(fit.loglik, rel=1e-10)
    assert window.digits.min() > 10


@pytest.mark.parametrize(
    ("on", "window", "days"), [("date", "30d", 30), ("time", "30d", 30), ("t", 30, 30), ("t", 9.0, 9)]
)
def test_a_window_is_the_fit_of_its_rows(on: str, window: Any, days: int) -> None:
    fits = gm.rolling("y ~ x + f", DATA, window, on=on)
    ends = sorted(set(DATA["t"]))
    assert len(fits) == sum(end >= ends[0] + days - 1 for end in ends)
    for i in (0, 1, len(fits) // 2, -1):
        end = list(fits)[i]
        last = end if on == "t" else (pd.Timestamp(str(end)) - START).days
        check_same(fits[end], DATA[(DATA["t"] <= last) & (DATA["t"] > last - days)])


def test_months_weeks_and_hours() -> None:
    months = gm.rolling("y ~ x", DATA, "2mo", on="date")
    assert list(months) == ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"]
    in_months = DATA["time"].dt.year * 12 + DATA["time"].dt.month
    check_same(months["2024-02-01"], DATA[in_months.isin([2024 * 12 + 1, 2024 * 12 + 2])], "y ~ x")
    weeks = gm.rolling("y ~ x", DATA, "3w", on="time")
    assert next(iter(weeks)) == "2023-12-18"  # the third Monday
    check_same(weeks["2023-12-18"], DATA[DATA["t"] < 21], "y ~ x")
    hours = gm.rolling("y ~ x", DATA, "240h", on="time", every="12h")
    assert next(iter(hours)) == "2023-12-13T12:00:00"
    check_same(hours["2023-12-13T12:00:00"], DATA[DATA["t"] < 10], "y ~ x")


def test_days_of_times_with_a_zone_are_those_of_utc() -> None:
    zoned = DATA.assign(time=DATA["time"].dt.tz_localize("UTC").dt.tz_convert("America/New_York"))
    ours, plain = (gm.rolling("y ~ x", data, "30d", on="time") for data in (zoned, DATA))
    assert list(ours) == list(plain)
    assert all(np.array_equal(fit.coefficients, plain[end].coefficients) for end, fit in ours.items())


def test_windows_by_group_and_outcome() -> None:
    fits = gm.rolling("y ~ x", DATA, "60d", on="date", by="firm")
    assert fits.key_names == ("firm", "date")
    for firm in "pq":
        last = [end for group, end in fits if group == firm][-1]
        days = (pd.Timestamp(last) - START).days
        rows = DATA[(DATA["firm"] == firm) & (DATA["t"] <= days) & (DATA["t"] > days - 60)]
        check_same(fits[firm, last], rows, "y ~ x")
    several = gm.rolling("c(y, z) ~ x", DATA, "60d", on="date")
    assert several.key_names == ("outcome", "date")
    outcome, end = list(several)[-1]
    assert outcome == "z"
    days = (pd.Timestamp(end) - START).days
    check_same(several["z", end], DATA[(DATA["t"] <= days) & (DATA["t"] > days - 60)], "z ~ x")


def test_expanding_windows_weights_and_counts() -> None:
    fits = gm.rolling("y ~ x + f", DATA, on="date", every="1w", weights="w")
    for end in [list(fits)[i] for i in (0, 9, -1)]:
        days = (pd.Timestamp(str(end)) - START).days + 7
        check_same(fits[end], DATA[DATA["t"] < days], weights="w")
    counted = gm.rolling("y ~ x", DATA, 40, on="t", counts="n")
    last = int(DATA["t"].max())
    check_same(counted[last], DATA[DATA["t"] > last - 40], "y ~ x", counts="n")


@pytest.mark.parametrize("half_life", [3, 40])
def test_decay_is_a_fit_with_weights(half_life: int) -> None:
    fits = gm.rolling("y ~ x + f", DATA, on="date", half_life=f"{half_life}d")
    for end in (list(fits)[20], list(fits)[-1]):
        days = (pd.Timestamp(str(end)) - START).days
        rows = DATA[DATA["t"] <= days]
        check_same(fits[end], rows.assign(v=0.5 ** ((days - rows["t"]) / half_life)), weights="v")


def test_the_bits_do_not_depend_on_threads_and_rows_may_come_in_any_order(tmp_path: Path) -> None:
    DATA.drop(columns="date").to_parquet(tmp_path / "a.parquet", row_group_size=100)
    one, two = (
        gm.rolling("y ~ x", str(tmp_path / "a.parquet"), "30d", on="time", engine=Local(threads=n)) for n in (1, 2)
    )
    assert one.tidy().equals(two.tidy())
    shuffled = gm.rolling("y ~ x", DATA.sample(frac=1.0, random_state=1), "30d", on="time")
    assert list(shuffled) == list(one)
    for end in list(one)[::20]:
        assert np.allclose(shuffled[end].coefficients, one[end].coefficients, rtol=1e-11)


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
@pytest.mark.parametrize("options", [{}, {"weights": "w", "counts": "n"}])
def test_periods_of_many_rows_are_summed_where_they_are(order: str, options: dict[str, str]) -> None:
    data = DATA[DATA["t"] < 140].assign(
        days=lambda d: d["t"] // 20 - 3, when=lambda d: d["time"] - pd.DateOffset(years=55)
    )
    data = data.sort_values("t") if order == "sorted" else data.sample(frac=1.0, random_state=2)
    data.loc[data.index[::50], "x"] = np.nan
    fits = gm.rolling("y ~ x", data, 2, on="days", **options)
    assert list(fits) == [-2, -1, 0, 1, 2, 3]
    for end, fit in fits.items():
        check_same(fit, data[data["days"].between(int(str(end)) - 1, int(str(end)))], "y ~ x", **options)
    days = gm.rolling("y ~ x", data, "100d", on="when", every="50d", **options)
    assert days.rows == fits.rows
    assert list(days)[-1].startswith("1969")


def test_rows_that_left_leave_no_trace() -> None:
    """A period of huge values does not cost the digits of windows without it."""
    spoiled = DATA.copy()
    spoiled.loc[spoiled["t"] == 60, ["x", "y"]] *= 1e9
    fits = gm.rolling("y ~ x", spoiled, 20, on="t", digits=0)
    last = int(DATA["t"].max())
    check_same(fits[last], DATA[DATA["t"] > last - 20], "y ~ x")


def test_missing_times_gaps_and_few_rows() -> None:
    data = pd.DataFrame(
        {"t": [1, 2, 3, None, 9, 10, 11, 12], "x": [0.0, 1, 3, 9, 2, 4, 6, 5], "y": [1.0, 3, 2, 5, 4, 8, 6, 9]}
    )
    fits = gm.rolling("y ~ x", data, 3, on="t")
    assert list(fits) == [3, 11, 12]  # 9 and 10 end windows of one row and of two
    assert fits.short == 2
    assert (fits.rows, dict(fits.dropped_rows)) == (7, {"null": 1})
    assert list(gm.rolling("y ~ x", data, 3, on="t", min_rows=2, digits=0)) == [3, 10, 11, 12]
    with pytest.raises(NumericalError, match=r"no window has enough rows for 'y ~ x' \(7 have too few\)"):
        gm.rolling("y ~ x", data, 1, on="t")
    with pytest.raises(NumericalError, match=r"no window is complete: the rows of .* take shorter ones"):
        gm.rolling("y ~ x", data, 100, on="t")


@pytest.mark.parametrize("every", [0.1, 0.7, 1.1, 1e-3, 1 / 3, 1e15])
def test_periods_of_decimals_are_those_of_whole_numbers(every: float) -> None:
    """A number that is k periods but for rounding begins period k: 5.1 / 0.1 is 50.99999999999999."""
    steps = np.repeat(np.arange(-40, 200), 2)
    x = np.random.default_rng(1).normal(size=len(steps))
    data = {"x": x, "y": x**2 + steps / 100}
    expected = gm.rolling("y ~ x", data | {"t": steps}, 5, on="t")
    for t in (steps * every, steps / (1.0 / every), np.array([float(k * Fraction(every)) for k in steps.tolist()])):
        fits = gm.rolling("y ~ x", data | {"t": t}, 5 * every, on="t", every=every)
        np.testing.assert_allclose(list(fits), np.array(list(expected)) * every, rtol=1e-15)
        assert [f.coefficients.tolist() for f in fits.values()] == [f.coefficients.tolist() for f in expected.values()]
    if every == 0.1:
        assert list(fits) == [k / 10 for k in expected]


def test_numbers_beyond_all_periods_are_refused() -> None:
    data = {"t": [1.0, 2.0, 3.0, 1e300], "x": [1.0, 2.0, 4.0, 3.0], "y": [1.0, 3.0, 2.0, 4.0]}
    for every in (1, 1e-300):
        with pytest.raises(
            DataError, match=r"on='t' is 1(e\+300)?, beyond 2\^53 periods of 1.*take longer ones by every="
        ):
            gm.rolling("y ~ x", data, on="t", every=every)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 33])
def test_ranges_of_a_tree_are_sums_of_their_parts(count: int) -> None:
    class Part(int):
        def __add__(self, other: int) -> Part:  # type: ignore[override]
            return Part(int(self) + int(other))

    parts: list[Accumulated] = [Part(3**i) for i in range(count)]  # type: ignore[misc]
    tree = RangeSums(parts)
    for start in range(count):
        for stop in range(start + 1, count + 1):
            assert tree.sum(start, stop) == sum(3**i for i in range(start, stop))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window": "30x", "on": "date"}, OptionError, "window must be a length such as"),
        ({"window": "0d", "on": "date"}, OptionError, "window must be a length such as"),
        ({"window": -3, "on": "t"}, OptionError, "found -3"),
        ({"window": 5, "on": "date"}, OptionError, """give lengths as a text such as "30d", not as a number"""),
        ({"window": "5d", "on": "t"}, OptionError, "give lengths as a number, in its units"),
        ({"window": "12h", "on": "date"}, OptionError, "periods are at least a day"),
        ({"window": "30d", "on": "date", "every": "7d"}, OptionError, "must be a multiple of every=7d"),
        ({"window": "1y", "on": "date", "every": "1d"}, OptionError, "window=1y, every=1d"),
        ({"window": "1d", "on": "date", "half_life": "2d"}, OptionError, "leave window out"),
        ({"on": "date"}, OptionError, "give window=, half_life=, or every="),
        ({"window": "30d", "on": "firm"}, SchemaError, "windows go along dates, times or numbers"),
        ({"window": "30d", "on": "dat"}, ColumnError, "did you mean 'date'?"),
        ({"window": "30d", "on": "date", "by": "date"}, OptionError, "by names 'date'"),
        ({"window": "30d", "on": "date", "min_rows": 0}, OptionError, "min_rows must be a whole number above 0"),
        ({"window": "30d", "on": 3}, OptionError, "on must be the name of a column"),
    ],
)
def test_what_makes_no_window_is_refused(options: dict[str, Any], error: type[GramianError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        gm.rolling("y ~ x", DATA, **options)
    with pytest.raises(TypeError, match="did you mean 'weights'"):
        gm.rolling("y ~ x", DATA, 3, on="t", weight="w")  # type: ignore[call-arg]
    with pytest.raises(FormulaError, match="absorb"):
        gm.rolling("y ~ x | f", DATA, 3, on="t")


def test_lengths_mean_what_they_say() -> None:
    seconds = [length_of("window", text).size for text in ("90s", "2m", "2min", "1h", "1w")]
    assert seconds == [90, 120, 120, 3600, 604800]
    assert [length_of("window", text).size for text in ("5mo", "2q", "3y")] == [5, 6, 36]
    assert windows_of("t", "1y", "1q", None, None).span == 4
    assert windows_of("t", "30d", None, None, None).span == 30


def test_tables_and_a_picture(tmp_path: Path) -> None:
    fits = gm.rolling("y ~ x", DATA, "30d", on="date", by="firm")
    table = fits.tidy()
    assert table.column_names[:4] == ["firm", "date", "term", "estimate"]
    assert table.num_rows == 2 * len(fits)
    assert fits.glance().num_rows == len(fits)
    figure = fits.plot("x", where="q")
    assert [axis.get_ylabel() for axis in figure.axes] == ["x"]
    assert len(fits.plot(["x", "Intercept"]).axes) == 2
    with pytest.raises(OptionError, match=r"no coefficient 'X'; did you mean 'x'\?"):
        fits.plot("X")
    with pytest.raises(OptionError, match="where: no windows of 'r'"):
        fits.plot(where="r")


def test_the_command(tmp_path: Path) -> None:
    path, picture = tmp_path / "rows.csv", tmp_path / "slope.png"
    DATA.drop(columns="time").to_csv(path, index=False)
    arguments = ["rolling", "y ~ x", str(path), "--on", "date", "--window", "30d", "--format", "csv"]
    run = CliRunner().invoke(gramian, [*arguments, "--plot", str(picture)])
    assert run.exit_code == 0, run.output
    assert run.stdout.splitlines()[0].startswith("date,term,estimate")
    assert picture.stat().st_size > 1000
    number = CliRunner().invoke(gramian, ["rolling", "y ~ x", str(path), "--on", "t", "--window", "30", "--by", "firm"])
    assert number.exit_code == 0, number.output
    wrong = CliRunner().invoke(
        gramian, ["rolling", "y ~ x", str(path), "--on", "date", "--window", "30x"], standalone_mode=False
    )
    assert wrong.return_value == 2
    assert "--window must be a length" in wrong.stderr
