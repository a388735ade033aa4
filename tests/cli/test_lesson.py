from __future__ import annotations

import pytest


def test_without_arguments_it_writes_the_worked_examples(run, folder):
    done = run("lesson", "-o", "lesson.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "written to lesson.html\n")
    assert "Twelve months" in (folder / "lesson.html").read_text(encoding="utf-8")


def test_own_points(run, folder):
    (folder / "points.csv").write_text("size,price\n1,2\n2,3\n4,5.5\n", encoding="utf-8")
    assert run("lesson", "price ~ size", "points.csv", "-o", "own.html").returncode == 0
    assert '"x":"size","y":"price","points":[[1.0,2.0]' in (folder / "own.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["y ~ x", "-o", "l.html"], "needs DATA"),
        (["y ~ x + z", "data.parquet", "-o", "data.parquet"], "is one of the inputs"),
        (["data.parquet", "y ~ x", "-o", "l.html"], "the formula comes first"),
        (["y ~ x", "data.parquet"], "missing option"),
    ],
)
def test_what_is_wrong_is_said(run, folder, arguments, words):
    done = run("lesson", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (folder / "l.html").exists()
