"""The algebra of the page, run by Node: every number beside the one that gramian gives."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from lesson_cases import cases

TESTS = Path(__file__).with_name("algebra.test.mjs")
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node to run the page's modules")
def test_numbers_are_those_of_gramian(tmp_path):
    (tmp_path / "cases.json").write_text(json.dumps(cases()), encoding="utf-8")
    places = {"CASES": str(tmp_path / "cases.json"), "PAGE": str(files("gramian.lessons") / "page")}
    done = subprocess.run(
        [str(NODE), "--test", "--test-reporter=tap", str(TESTS)],
        env=os.environ | places, capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    wrong = [line.strip() for line in done.stdout.splitlines() if re.match(r"\s*(not ok|error:)", line)]
    assert not wrong
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 19" in done.stdout
