"""The demo, and its numbers against those that statsmodels finds on the same rows."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from processes import COMMAND, PLAIN

SCRIPT = Path(__file__).parents[2] / "demo" / "flights.py"


@pytest.fixture(scope="module")
def demo():
    spec = spec_from_file_location("flights", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_demo_runs(demo):
    done = subprocess.run([sys.executable, SCRIPT], env=PLAIN, capture_output=True, encoding="utf-8", check=True)
    assert f'$ gramian fit "{demo.FORMULA}" demo/data/flights' in done.stdout
    for said in ("327,346", "9,430", "carrier[AA]", "factor(month)[12]", "seconds"):
        assert said in done.stdout
    assert done.stderr == ""


def test_the_numbers(demo, tmp_path):
    demo.write(tmp_path)
    arguments = ["fit", demo.FORMULA, str(tmp_path), "--format", "json"]
    done = subprocess.run([*COMMAND, *arguments], env=PLAIN, capture_output=True, encoding="utf-8", check=True)
    fit = json.loads(done.stdout)
    estimates = {c["term"]: c["estimate"] for c in fit["coefficients"]}
    assert estimates["Intercept"] == pytest.approx(-27.974312, abs=5e-7)
    assert estimates["carrier[AA]"] == pytest.approx(2.419941, abs=5e-7)
    assert fit["r_squared"] == pytest.approx(0.8870301, abs=5e-8)
    assert (fit["rows"], sum(fit["dropped_rows"].values())) == (327_346, 9_430)


def test_files_are_complete_or_written_again(demo, tmp_path):
    assert not demo.complete(tmp_path)
    demo.write(tmp_path)
    assert demo.complete(tmp_path)
    last = demo.files(tmp_path)[-1]
    pq.write_table(pq.read_table(last).slice(1), last)
    assert not demo.complete(tmp_path)
    last.write_bytes(b"PAR1")
    assert not demo.complete(tmp_path)
