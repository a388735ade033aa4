"""What is said when something is wrong: stderr begins with `error: `, stdout is empty, and the exit code tells why."""

from __future__ import annotations

import pytest

INTERNAL, USAGE, DATA, NUMERICAL, ARTIFACT = 1, 2, 3, 4, 5


@pytest.fixture
def refused(run):
    def failed(code, *arguments):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
        return done.stderr

    return failed


def test_a_typo_in_the_formula_is_shown_by_a_caret(refused):
    said = refused(USAGE, "fit", "y ~ x + + z)", "data.parquet").splitlines()
    assert said[1] == "  y ~ x + + z)"
    assert said[2].strip() == "^"
    assert len(said[2]) - 3 == said[1].index(")") - 2


def test_an_unknown_function(refused):
    assert "lgo" in refused(USAGE, "fit", "y ~ lgo(x)", "data.parquet")


def test_a_missing_column_suggests_another(refused):
    assert "no column 'grop'; did you mean 'group'?" in refused(DATA, "fit", "y ~ grop", "data.parquet")


def test_a_missing_column_of_weights(refused):
    assert "no column 'ww'" in refused(DATA, "fit", "y ~ x", "data.parquet", "--weights", "ww")


def test_text_among_numbers_names_file_and_line(refused, folder):
    (folder / "bad.csv").write_text("x,y\n" + "1,2\n" * 400_000 + "oops,3\n" + "1,2\n" * 2_000_000, encoding="utf-8")
    said = refused(DATA, "fit", "y ~ x", "bad.csv")
    assert "bad.csv, line 400002" in said
    assert "oops" in said


def test_a_truncated_file_is_named(refused, folder):
    whole = (folder / "data.parquet").read_bytes()
    (folder / "parts" / "3.parquet").write_bytes(whole[: len(whole) // 2])
    assert "3.parquet" in refused(DATA, "fit", "y ~ x", "parts")


def test_a_file_that_is_not_there(refused):
    assert "data.parqet" in refused(DATA, "fit", "y ~ x", "data.parqet")


def test_rows_with_something_missing_can_be_refused(refused):
    assert "x" in refused(DATA, "fit", "y ~ x", "data.parquet", "--na", "raise")


def test_dependent_columns_can_be_refused(refused):
    said = refused(NUMERICAL, "fit", "y ~ x + x2", "data.parquet", "--collinear", "raise")
    assert "x2 = " in said


def test_no_rows(refused, folder):
    (folder / "empty.csv").write_text("x,y\n1,\n", encoding="utf-8")
    assert "no rows" in refused(NUMERICAL, "fit", "y ~ x", "empty.csv")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and so on", b"\x00" * 1000])
def test_a_bad_artifact(refused, folder, content):
    (folder / "bad.fit").write_bytes(content)
    assert "bad.fit" in refused(ARTIFACT, "predict", "bad.fit", "data.parquet")
    assert "bad.fit" in refused(ARTIFACT, "inspect", "bad.fit")


def test_a_missing_artifact(refused):
    assert "none.fit" in refused(ARTIFACT, "predict", "none.fit", "data.parquet")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fitt",), "no command 'fitt'; did you mean 'fit'?"),
        (("fit", "data.csv", "y ~ x"), 'the formula comes first and the data after it: gramian fit "y ~ x" data.csv'),
        (("fit", "y", "/root", "x", "data.csv"), """the formula 'y' has no '~'; quote it"""),
        (("fit", "y ~ x"), "missing argument 'DATA...'"),
        (("fit", "y ~ x", "data.parquet", "--weigths", "w"), "--weights"),
        (("fit", "y ~ x", "data.parquet", "--na", "skip"), "'skip' is not one of 'drop', 'raise'"),
        (("fit", "y ~ x", "data.parquet", "--threads", "0"), "threads must be at least 1, found 0"),
        (("fit", "y ~ x", "data.parquet", "--ridge", "-1"), "alpha must be a number that is not negative"),
        (("fit", "y ~ x", "data.parquet", "--ridge", "1", "--collinear", "raise"), "--collinear has no meaning"),
        (("fit", "y ~ x", "data.parquet", "--save", "no/where.fit"), "there is no folder 'no'"),
        (("fit", "y ~ x", "data.parquet", "--save", "data.parquet"), "data.parquet is one of the inputs"),
        (("fit", "y ~ x", "data.parquet", "--save", "parts"), "parts is a folder"),
        (("fit", "y ~ x", "data.parquet", "--save", "/dev/null"), "/dev/null is not a file"),
    ],
)
def test_usage(refused, arguments, said):
    assert said in refused(USAGE, *arguments)


def test_what_nobody_foresaw(run, folder):
    (folder / "sitecustomize.py").write_text(
        "from gramian.fit.linear import plan\n"
        "def broken(*given): raise RuntimeError('wires crossed')\n"
        "plan.plan_linear = broken\n",
        encoding="utf-8",
    )
    given = ("fit", "y ~ x", "data.parquet", "--explain")
    done = run(*given, PYTHONPATH=str(folder))
    assert done.returncode == INTERNAL
    assert done.stderr.startswith("error: RuntimeError: wires crossed\n")
    assert "GRAMIAN_DEBUG=1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in run(*given, PYTHONPATH=str(folder), GRAMIAN_DEBUG="1").stderr


def test_a_traceback_when_it_is_asked_for(run):
    done = run("fit", "y ~ grop", "data.parquet", GRAMIAN_DEBUG="1")
    assert done.returncode == DATA
    assert "Traceback" in done.stderr
