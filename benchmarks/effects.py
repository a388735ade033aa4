"""What average slopes cost beside the passes of the fit: `python benchmarks/effects.py --rows 1000000 --columns 20`.

Writes seconds of a pass of the logistic fit, of `fit.slopes()` of all columns, and their ratio, as JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.choice import engine_of
from gramian.fit.glm.accumulate import Linearize
from gramian.fit.vcov.scores import FittedModel


def best(call: Callable[[], object], times: int) -> float:
    """The shortest of several runs, in seconds."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    rng = np.random.default_rng(1)
    data = {f"x{i}": rng.normal(size=asked.rows) for i in range(asked.columns)}
    eta = sum(data.values()) / asked.columns**0.5
    data["hit"] = (rng.uniform(size=asked.rows) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    fit = gm.glm("hit ~ .", data, "binomial")
    source, engine = source_of(data), engine_of()
    design = fit.solved.linear.design
    predictor = FittedModel(fit.solved.linear, fit.solved.model).predictor(design.layout)
    task = Linearize(design, fit.solved.model, predictor)
    one_pass = best(lambda: engine.fold(source, task), asked.times)
    slopes = best(fit.slopes, asked.times)
    found = {"rows": asked.rows, "columns": asked.columns, "pass": one_pass, "slopes": slopes}
    print(json.dumps({**found, "slopes / pass": slopes / one_pass}))


if __name__ == "__main__":
    main()
