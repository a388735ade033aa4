"""What a call imports: what it uses, and no other model."""

from __future__ import annotations

import subprocess
import sys

import pytest

OTHERS = ("glm", "curve", "gram", "groups", "selection", "penalized")
ALWAYS_LATER = ("gramian.serialize", "gramian.plots", "gramian.saved", "gramian.results.formats", "rich", "matplotlib")
ROWS = "{'x': [1, 2, 3, 4, 5, 6], 'y': [0, 1, 0, 1, 1, 2], 'g': ['a', 'b'] * 3}"


def imported(call):
    """Modules that are there after a call, in a new process."""
    script = f"import sys, gramian as gm; rows = {ROWS}; {call}; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True).stdout.split()
    )


def test_ols_imports_no_other_model_and_nothing_that_saves_or_draws():
    modules = imported("gm.ols('y ~ x', rows)")
    later = [f"gramian.fit.{name}" for name in OTHERS] + list(ALWAYS_LATER)
    assert sorted(modules & set(later)) == []
    wide = {name for name in modules if name.startswith(("gramian.fit.wide.", "gramian.linalg.wide."))}
    assert wide <= {
        "gramian.fit.wide.solver",
        "gramian.fit.wide.design",
        "gramian.linalg.wide.compressed",
    }
    assert "gramian.linalg.exact.fit" not in modules


@pytest.mark.parametrize(
    ("call", "used"),
    [
        ("gm.glm('y ~ x', rows, 'poisson')", {"glm"}),
        ("gm.curve('y ~ a * exp(b * x)', rows, {'a': 1, 'b': 0.1})", {"curve"}),
        ("gm.ols('y ~ x', rows, by='g')", {"groups"}),
        ("gm.fits('y ~ x', rows)", {"groups"}),
        ("gm.gram('y ~ x', rows)", {"gram", "groups"}),
        ("gm.plan('y ~ x', rows)", set()),
    ],
)
def test_a_model_imports_itself(call, used):
    modules = imported(call)
    assert {name for name in OTHERS if f"gramian.fit.{name}" in modules} == used
    assert sorted(modules & {"gramian.plots", "gramian.saved", "rich", "matplotlib"}) == []


def test_the_package_itself_imports_nothing_heavy():
    assert not imported("dir(gm)") & {"numpy", "pyarrow", "scipy", "click", "rich"}
