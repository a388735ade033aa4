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
