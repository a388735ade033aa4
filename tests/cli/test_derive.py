from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest


@pytest.fixture
def points(folder):
    rows = zip((1, 2, 3, 4, 5, 6, 7, 8, 9, 5), (1, 2, 4, 3, 5.5, 8, 6, 8.4, 10, 4), strict=True)
    (folder / "points.csv").write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in rows), encoding="utf-8")
    return "points.csv"


def test_text_is_the_default(run, points):
    done = run("derive", "y ~ x", points)
    assert (done.returncode, done.stderr) == (0, "")
    assert "y = 1.07 * x - 0.16" in done.stdout
    assert "10. Why it is the minimum" in done.stdout


def test_formats(run, points):
    assert r"\begin{pmatrix}" in run("derive", "y ~ x", points, "--format", "md").stdout
    assert ElementTree.fromstring(run("derive", "y ~ x", points, "--format", "html").stdout).tag == "div"
    told = json.loads(run("derive", "y ~ x", points, "--format", "json").stdout)
    assert told["w"] == [1.07, -0.16]


def test_polynomial_and_constant(run, points):
    said = run("derive", "y ~ x", points, "--polynomial", "2", "--constant", "first", "--format", "json").stdout
    assert json.loads(said)["names"] == ["Intercept", "x", "I(x^2)"]


def test_output_goes_to_a_file(run, points, folder):
    done = run("derive", "y ~ x", points, "--format", "html", "-o", "lesson.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "written to lesson.html\n")
    assert ElementTree.parse(folder / "lesson.html").getroot().tag == "div"
    assert run("derive", "y ~ x", points, "-o", points).returncode == 2


def test_what_is_too_large_is_refused(run):
    done = run("derive", "y ~ x", "data.parquet")
    assert done.returncode == 2
    assert "at most 200" in done.stderr
    assert "gm.ols" in done.stderr


def test_weights_are_refused(run, points):
    done = run("derive", "y ~ x", points, "--weights", "x")
    assert done.returncode == 2
    assert "no such option" in done.stderr.lower()


def test_examples_keep_their_lines_in_the_help(run):
    assert '  gramian derive "y ~ x" points.csv\n' in run("derive", "--help").stdout
