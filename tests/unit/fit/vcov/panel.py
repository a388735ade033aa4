"""A panel: firms and years, weights, counts, factors."""

import numpy as np
import pandas as pd

FIRMS, ROWS = 24, 400


def panel(rows=ROWS, seed=7):
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {
            "x": rng.uniform(5, 9, rows),
            "z": rng.normal(100, 2, rows),
            "f": rng.choice(list("abc"), rows),
            "b": rng.integers(0, 2, rows).astype(bool),
            "w": rng.uniform(0.2, 3, rows),
            "n": rng.integers(1, 4, rows),
            "firm": rng.integers(0, FIRMS, rows) * 1000 + 7,
            "year": rng.choice(["1998", "1999", "2000", "2001", "2002", "2003"], rows),
        }
    )
    firm = (d.firm - 7) // 1000
    noise = rng.normal(size=rows) * d.x + rng.normal(size=FIRMS)[firm]
    d["y"] = 3 + 2 * d.x + 0.1 * d.z + (d.f == "b") * 1.5 * d.x + noise
    eta = 0.4 * (d.x - 7) + 0.5 * (d.f == "c") + rng.normal(size=FIRMS)[firm] * 0.5
    d["hit"] = (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(float)
    d["events"] = rng.poisson(np.exp(eta))
    return d


def by_value(fit, reference):
    """Where the reference's coefficients stand in our order, found by their values."""
    ours, theirs = np.argsort(fit.coefficients), np.argsort(np.asarray(reference.params))
    place = np.empty(len(ours), int)
    place[ours] = theirs
    return place


def differ(a, b):
    """The largest difference relative to the standard errors; what is NaN is so in both."""
    known = ~np.isnan(np.diag(b))
    assert (np.isnan(np.diag(a)) == ~known).all()
    a, b = a[np.ix_(known, known)], b[np.ix_(known, known)]
    scale = np.sqrt(np.abs(np.outer(np.diag(b), np.diag(b))))
    return float(np.max(np.abs(a - b) / scale))
