from __future__ import annotations

import subprocess
import sys

import pytest
from unit.plots.pictured import PNG

from gramian.errors import ConvergenceError, OptionError

BLOCKED = "import sys; sys.modules['matplotlib'] = None; "
ROWS = "x,y\n1,2\n2,4\n3,5\n4,8\n5,9\n6,9.5\n"
COMMANDS = {
    "fit": ["y ~ x", "data.csv"],
    "curve": ["y ~ a * (1 - exp(-k * x))", "data.csv", "--start", "a=10,k=0.3"],
    "compare": ["y ~ x", "data.csv"],
    "derive": ["y ~ x", "data.csv"],
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path


def run_without(blocked, folder, *arguments):
    program = f"{blocked}from gramian.cli.main import main; raise SystemExit(main())"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_picture_is_written(folder, forked, name):
    done = forked(folder, name, *COMMANDS[name], "--plot", "out.png")
    assert done.returncode == 0, done.stderr
    assert "drawn to out.png" in done.stderr
    assert (folder / "out.png").read_bytes().startswith(PNG)
    assert sorted(p.name for p in folder.iterdir()) == ["data.csv", "out.png"]


def test_a_curve_that_does_not_converge_is_drawn_and_still_fails(folder, forked):
    curve = ["curve", "y ~ a * (1 - exp(-k * x))", "data.csv", "--start", "k=9", "--max-passes", "2"]
    done = forked(folder, *curve, "--plot", "out.png")
    assert done.returncode == ConvergenceError.exit_code
    assert "drawn to out.png" in done.stderr
    assert "no convergence after 2 passes" in done.stderr
    assert (folder / "out.png").read_bytes().startswith(PNG)


def test_signs_that_no_font_has_are_one_warning(folder, forked):
    (folder / "names.csv").write_text(ROWS.replace("x,y", "\U00012000\U00012001,y"), encoding="utf-8")  # cuneiform
    done = forked(folder, "fit", "y ~ .", "names.csv", "--plot", "out.png")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning") == 1
    assert "warning: no font on this machine has \U00012000\U00012001, which are drawn as boxes" in done.stderr


@pytest.mark.parametrize(("name", "magic"), [("a.svg", b"<?xml"), ("a.PDF", b"%PDF")])
def test_the_extension_decides(folder, forked, name, magic):
    pictures = []
    for _ in range(2):
        assert forked(folder, "derive", "y ~ x", "data.csv", "--plot", name).returncode == 0
        pictures.append((folder / name).read_bytes())
    assert pictures[0].startswith(magic)
    assert pictures[0] == pictures[1]


def test_other_extensions_are_refused_before_anything_is_read(folder, forked):
    done = forked(folder, "fit", "y ~ x", "no.csv", "--plot", "a.gif")
    assert done.returncode == OptionError.exit_code
    assert "--plot a.gif: pictures are .png, .svg or .pdf; name the file so" in done.stderr
    assert done.stdout == ""


def test_a_missing_extra_is_named_before_anything_is_read(folder):
    done = run_without(BLOCKED, folder, "fit", "y ~ x", "data.csv", "--plot", "a.png")
    assert done.returncode == 2
    assert "this needs the package 'matplotlib': pip install 'gramian[plot]'" in done.stderr
    assert done.stdout == ""


def test_a_fit_says_which_extra_is_missing(folder):
    code = "import gramian; gramian.ols('y ~ x', 'data.csv').plot()"
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + code], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    assert "MissingExtraError: this needs the package 'matplotlib': pip install 'gramian[plot]'" in done.stderr


def test_matplotlib_is_imported_only_to_draw(folder):
    code = (
        "import sys, gramian; fit = gramian.ols('y ~ x', 'data.csv'); fit.summary(); a = 'matplotlib' in sys.modules; "
        "fit.plot(); print(a, 'matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert done.stdout.split() == ["False", "True", "False"], done.stderr
