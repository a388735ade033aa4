"""A submodel's fit from the moments of a larger model is the fit of its own formula."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from unit.fit.selection.stored import stored, table

import gramian as gm
from gramian.errors import OptionError
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.passes.options import Options
from gramian.formula.marginality import containing_terms, needs
from gramian.formula.submodel import submodel

FRAME = table(200)


@pytest.mark.parametrize(
    "formula",
    ["y ~ x*f + I(z^2)", "y ~ 0 + f + `a b` + poly(x, 2)", "log(y) ~ f:x + g + offset(v0)", 'y ~ C(f, ref="b")*z'],
)
def test_any_terms_are_a_fit_of_their_own(formula):
    data = FRAME.rename(columns={"v1": "a b"})
    design, done = stored(formula, data)
    labels = [term.label for term in design.terms.terms]
    for k in range(1, len(labels) + 1):
        for some in combinations(labels, k):
            part = submodel(design, some)
            mine = solve_linear(part, done, Options())
            own = gm.ols(part.formula, data)
            assert set(map(atoms, mine.names)) == set(map(atoms, own.names)), part.formula
            assert mine.rss == pytest.approx(own.deviance, rel=1e-8)
            told = dict(zip(map(atoms, own.names), own.coefficients, strict=True))
            wanted = [told[atoms(name)] for name in mine.names]
            # the solve is one, its result is mapped to raw squares of z, of condition 1e6
            np.testing.assert_allclose(mine.coefficients, wanted, rtol=1e-6)


def atoms(name):
    """The parts of an interaction, whose order depends on where they first stand in a formula."""
    return frozenset(name.split(":"))


def test_all_terms_are_the_design_itself():
    design, _ = stored("y ~ x * f", FRAME)
    assert submodel(design, [t.label for t in design.terms.terms]) == design


def test_a_matrix_is_used_in_place_only_when_whole():
    X = np.random.default_rng(0).normal(size=(50, 3))
    design, done = stored("y ~ X", {"X": X, "y": X.sum(axis=1)})
    assert design.matrix == ("X", 3)
    part = submodel(design, ["Intercept", "X[0]", "X[2]"])
    assert part.matrix is None
    assert solve_linear(part, done, Options()).names == ("Intercept", "X[0]", "X[2]")
    assert gm.ols(part.formula, {"X": X, "y": X.sum(axis=1)}).names == ("Intercept", "X[0]", "X[2]")


def test_an_unknown_term_is_named():
    design, _ = stored("y ~ x + f", FRAME)
    with pytest.raises(OptionError, match=r"no term 'xx'; did you mean 'x'\? \(terms: Intercept, x, f\)"):
        submodel(design, ["xx"])


@pytest.mark.parametrize(
    ("formula", "term", "needed"),
    [
        ("y ~ x*z", "x:z", {"x", "z"}),
        ("y ~ x*z*f", "x:z:f", {"x", "z", "f", "x:z", "x:f", "z:f"}),
        ("y ~ I(x^2) + x", "I(x^2)", {"x"}),
        ("y ~ I(x^2) + x", "x", set()),
        ("y ~ I(x*z) + x + z", "I(x * z)", {"x", "z"}),
        ("y ~ I(x^3) + I(x^2) + x", "I(x^3)", {"x", "I(x^2)"}),
        ("y ~ poly(x, 2) + x", "poly(x, 2)", set()),
        ("y ~ x + log(x)", "log(x)", set()),
        ("y ~ f:x", "x:f", set()),
        ("y ~ f + f:x", "f:x", {"f"}),
        ("y ~ f*poly(x, 2)", "f:poly(x, 2)", {"f", "poly(x, 2)"}),
    ],
)
def test_what_a_term_needs(formula, term, needed):
    design, _ = stored(formula, FRAME)
    labels = [t.label for t in design.terms.terms]
    at = next(i for i, known in enumerate(labels) if set(known.split(":")) == set(term.split(":")))
    assert {labels[i] for i in needs(design.terms)[at]} == needed


def test_which_terms_contain_another():
    design, _ = stored("y ~ x*z + I(x^2) + x:f", FRAME)
    labels = [t.label for t in design.terms.terms]
    assert {labels[i] for i in containing_terms(design.terms, labels.index("x"))} == {"x:z", "x:f"}
    assert containing_terms(design.terms, labels.index("I(x^2)")) == containing_terms(design.terms, 0) == frozenset()
