"""Keyword arguments: what is shown of them, and what happens to one that no function takes."""

from __future__ import annotations

import inspect
import re

import pytest

import gramian as gm
from gramian.fit.gram.result import Gram
from gramian.keywords import DEFAULTS

FUNCTIONS = (gm.ols, gm.ridge, gm.glm, gm.curve, gm.gram, gm.plan)
ROWS = {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}


def described(function):
    """Names in the section Parameters, each with the type that stands behind it."""
    section = inspect.getdoc(function).split("Parameters\n----------\n")[1].split("\n\nReturns\n")[0]
    lines = [line.partition(" : ") for line in section.splitlines() if not line.startswith(" ")]
    return {name: kind for names, _, kind in lines for name in names.split(", ")}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_argument_is_shown_and_described_with_its_default(function):
    parameters = inspect.signature(function).parameters
    kinds = described(function)
    assert set(kinds) == set(parameters)
    for name, kind in kinds.items():
        if default := re.search(r"default (.+)$", kind):
            assert repr(parameters[name].default).replace("'", '"') in (
                default[1],
                re.sub(r"e-(\d)$", r"e-0\1", default[1]),
            )
        elif "optional" in kind:
            assert parameters[name].default is None


def test_defaults_are_the_same_for_all_functions():
    for function in (*FUNCTIONS, gm.fits, Gram.ols, Gram.ridge):
        parameters = inspect.signature(function).parameters
        shown = {name: p.default for name, p in parameters.items() if name in DEFAULTS}
        own = {"max_passes": 200, "tolerance": 1e-9} if function is gm.curve else {}
        assert shown == {name: DEFAULTS[name] for name in shown} | own


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: gm.ols("y ~ x", ROWS, weigths="x"), "ols: weigths; did you mean 'weights'?"),
        (lambda: gm.ridge("y ~ x", ROWS, 1, solvr="auto"), "ridge: solvr; did you mean 'solver'?"),
        (lambda: gm.glm("y ~ x", ROWS, ofset="x"), "glm: ofset; did you mean 'offset'?"),
        (lambda: gm.curve("y ~ a * x", ROWS, bound={}), "curve: bound; did you mean 'bounds'?"),
        (lambda: gm.gram("y ~ x", ROWS, fold=3), "gram: fold; did you mean 'folds'?"),
        (lambda: gm.plan("y ~ x", ROWS, checkpoint="f"), "plan: checkpoint"),
        (lambda: gm.fits("y ~ x", ROWS, on="x"), "fits: on"),
        (lambda: gm.gram("y ~ x", ROWS).ols(wher=1), "Gram.ols: wher; did you mean 'where'?"),
        (lambda: gm.gram("y ~ x", ROWS).ridge(1, vcov="HC1"), "Gram.ridge: vcov"),
    ],
)
def test_an_unknown_argument_is_a_type_error_with_a_suggestion(call, said):
    with pytest.raises(TypeError) as error:
        call()
    message = re.fullmatch(r"(.+)\(\) got an unexpected keyword argument '(\w+)'(.*)", str(error.value))
    assert f"{message[1]}: {message[2]}{message[3]}" == said


@pytest.mark.parametrize("option", [{"exact": True}, {"solver": "dual"}, {"decimal": "exact"}, {"digits": 3}])
def test_a_plan_refuses_what_does_not_go_with_a_family(option):
    (name,) = option
    with pytest.raises(gm.errors.OptionError, match=f"{name} does not go with a family"):
        gm.plan("y ~ x", ROWS, family="poisson", **option)


def test_a_plan_refuses_what_only_a_family_has():
    with pytest.raises(gm.errors.OptionError, match="theta goes with a family; without one the model is linear"):
        gm.plan("y ~ x", ROWS, theta=None)
