"""What is said to mistakes that users make often: it says what to write."""

from __future__ import annotations

import pytest

import gramian as gm
from gramian.cli.commands.curve import command as curve_command
from gramian.cli.commands.fit import command as fit_command
from gramian.cli.flags import as_flags
from gramian.errors import GramianError, OptionError

DATA = {"y": [1.0, 2, 3, 4.5], "x": [1.0, 2, 3, 5], "b": [1, 2, 1, 2]}
COMES_FIRST = "if this is the formula, it comes first and the data after it"
CALLS = [
    (lambda: gm.ols(DATA, "y ~ x"), COMES_FIRST),
    (lambda: gm.glm(DATA, "b ~ x"), COMES_FIRST),
    (lambda: gm.curve(DATA, "y ~ a * x"), COMES_FIRST),
    (lambda: gm.gram("rows.csv", "y ~ x"), COMES_FIRST),
    (lambda: gm.ols("y ~ x", DATA, vcov="HAC"), "found 'HAC'; errors for rows that depend on earlier rows (Newey and"),
    (lambda: gm.ols("y ~ x", DATA, vcov="robust"), "'HC1' is what Stata calls robust"),
    (lambda: gm.ols("y ~ x", DATA, vcov="hc3"), "did you mean 'HC3'?"),
    (lambda: gm.glm("b ~ x", DATA, family="logit"), "'logit' is a link; write family='binomial', link='logit'"),
    (lambda: gm.ols("y ~ logistic(x)", DATA), "a curve, fitted as y ~ logistic(x) by curve, and probabilities as a"),
    (lambda: gm.curve("y ~ sigmoid(x)", DATA), "no function 'sigmoid'; it is a curve, fitted as y ~ logistic(x) by"),
    (lambda: gm.ols("y ~ gompertz(x)", DATA), "it is a curve, fitted as y ~ gompertz(x) by curve; as functions there"),
    (lambda: gm.glm("b ~ x", DATA), "row 2: the outcome is 2, but for the family 'binomial' it must be between 0 and 1;"
     " of one coded 1 and 2 subtract 1, as in b - 1 ~ ..."),
    (lambda: gm.ols("y ~ x", iter([{"y": 1, "x": 2}, {"y": 2, "x": 3}])), "of rows as dicts make a list"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), CALLS)
def test_the_message_says_what_to_do(call, message):
    with pytest.raises(GramianError) as caught:
        call()
    assert message in str(caught.value)


def test_a_wrong_option_is_a_value_error():
    assert issubclass(OptionError, ValueError)


@pytest.mark.parametrize(
    ("command", "message", "expected"),
    [
        (fit_command, "name clusters as in vcov={'cluster': 'firm'}", "name clusters as in --vcov cluster:firm"),
        (fit_command, "vcov must be one of 'iid'", "--vcov must be one of 'iid'"),
        (fit_command, 'ask for exact=True, or na="drop"', "ask for --exact, or --na drop"),
        (fit_command, "weights='w': the column is text", "--weights w: the column is text"),
        (fit_command, "C(x, ref='b')\n  na=1", "C(x, ref='b')\n  na=1"),
        (curve_command, 'as in start={"rate": 1, "mid": 1} (c', "as in --start rate=1,mid=1 (c"),
        (fit_command, "the data with gm.ols(..., vcov='HC1'), or", "the data with gramian fit ... --vcov HC1, or"),
        (fit_command, "make it with gm.gram(..., folds=10)", "make it with gramian gram ... --folds 10"),
        (
            fit_command,
            "fit the data with gm.ols(..., vcov='HC1'), or give the rows again, as in fit.with_vcov('HC1', data)",
            "fit the data with gramian fit ... --vcov HC1",
        ),
        (
            fit_command,
            "no rows: give them, as in fit.with_vcov({'cluster': ['k', 'g'], 'type': 'CR0'}, data)",
            "no rows: give them, as in gramian fit ... --vcov cluster:k,g:CR0",
        ),
        (
            fit_command,
            "vcov goes with one fit; it is made for each, as in fits[key].with_vcov('HC1', data)",
            "--vcov goes with one fit; it is made for each, as in gramian fit ... --vcov HC1",
        ),
        (
            fit_command,
            'numbers: gm.csv(path, thousands=".", decimal=",") reads them',
            'numbers: --thousands "." --decimal-mark "," reads them',
        ),
        (fit_command, 'l(x, 1) needs panel_id=("firm", "t"): the', "l(x, 1) needs --panel-id firm,t: the"),
        (curve_command, "more passes (max_passes=4)", "more passes (--max-passes 4)"),
    ],
)
def test_on_the_command_line_messages_speak_of_flags(command, message, expected):
    assert as_flags(message, command) == expected
