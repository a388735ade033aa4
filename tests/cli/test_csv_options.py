from __future__ import annotations


def test_csv_as_it_is_written_elsewhere(run, folder):
    lines = [f"{i}.{i:03d};{i // 7},{i % 7};Köln{i % 2}" for i in range(1, 60)]
    (folder / "d.csv").write_text("\n".join(["größe;wert;ort", "-;1;Köln1", *lines]), encoding="latin-1")
    options = [
        "--sep",
        ";",
        "--decimal-mark",
        ",",
        "--thousands",
        ".",
        "--na-values",
        "-",
        "--na-values",
        "?",
        "--encoding",
        "latin-1",
    ]
    done = run("fit", "wert ~ größe + ort", "d.csv", *options, "--save", "w.fit", "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "59 rows; left out: 1 null\nsaved to w.fit\n")
    assert done.stdout.splitlines()[2].startswith("größe,")
    assert len(run("predict", "w.fit", "d.csv", *options).stdout.splitlines()) == 61
    assert "größe   int64" in run("inspect", "d.csv", *options).stdout


def test_an_option_that_makes_no_sense(run, folder):
    done = run("fit", "y ~ x", "data.csv", "--sep", "xx")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --sep must be one character of ASCII")


def test_where_the_names_are(run, tmp_path):
    (tmp_path / "late.csv").write_text("a title\nx,y\n1,2\n2,4\n3,5\n", encoding="utf-16")
    late = run("fit", "y ~ x", "late.csv", "--encoding", "utf-16", "--header-line", "2", "--format", "json")
    (tmp_path / "none.csv").write_text("1,2\n2,4\n3,5\n")
    without = run("fit", "y ~ x", "none.csv", "--column-names", "x, y", "--format", "json")
    assert late.returncode == without.returncode == 0
    assert late.stdout == without.stdout
    both = run("fit", "y ~ x", "none.csv", "--column-names", "x,y", "--no-header")
    assert both.returncode == 2
    assert "--header, --header-line and --column-names say the same thing: give one of them" in both.stderr
