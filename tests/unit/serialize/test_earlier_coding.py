"""Files of fits from before factors were coded by R's rule: they keep their coefficients and predict as they did."""

from __future__ import annotations

import numpy as np
import pytest
from unit.serialize.released_files import DATA, HERE

import gramian as gm
from gramian.errors import OptionError

NEW = {**DATA, "g": list("uvwuvwvuwuvw") * 2}


def test_a_model_without_an_intercept():
    kept, now = gm.load(HERE / "before-coding" / "two_factors.fit"), gm.ols("y ~ f + g + x:f - 1", NEW)
    assert kept.names[:6] == ("f[a]", "f[b]", "f[c]", "g[u]", "g[v]", "g[w]")
    assert now.names[:5] == ("f[a]", "f[b]", "f[c]", "g[v]", "g[w]")
    known = [-3.60255525, -8.55604244, -9.99907749, -0.04543358, -2.45456642, np.nan]
    np.testing.assert_allclose(kept.coefficients[:6], known, atol=5e-9)
    for interval in ("confidence", "prediction"):
        for end in ("fit", "low", "high"):
            was, same = (fit.predict(NEW, interval=interval)[end].to_numpy() for fit in (kept, now))
            np.testing.assert_allclose(was, same, rtol=1e-9)


def test_hypotheses_that_depend_on_the_coding_are_refused():
    kept = gm.load(HERE / "before-coding" / "slopes.fit")
    assert kept.names == ("Intercept", "f[b]", "f[c]", "x:z", "f[a]:x", "f[b]:x", "f[c]:x")
    assert gm.ols("y ~ f + x:z + f:x", NEW).names[3:] == ("x:z", "f[b]:x", "f[c]:x")
    assert np.isfinite(kept.predict(NEW)).all()
    assert kept.anova(2)["df"].to_pylist() == [2.0, 1.0, 3.0, 17.0]
    with pytest.raises(OptionError, match=r"type 3 depends on how factors are coded, .* earlier version"):
        kept.anova(3)
