"""The suite on other machines than one's own: `make matrix`, or one part with `nox -s "tests(...)"`.

Interpreters that are not installed are skipped with a word; so are kernels that the processor cannot run.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox

KERNELS = ("Prescott", "Nehalem", "Haswell", "Zen", "SkylakeX")
# every Python under another kernel of OpenBLAS, the oldest versions under the one that is left
PYTHONS = {"3.11": "SkylakeX", "3.12": "Haswell", "3.13": "Prescott", "3.14": "Zen"}
OLDEST = "Nehalem"
NEEDS = {
    "Haswell": "avx2",
    "Zen": "avx2",
    "SkylakeX": "avx512f",
}  # instructions by kernel; the others run on any x86-64
NUMERICAL = ("tests/laws", "tests/unit/linalg", "tests/unit/models", "tests/unit/inference", "tests/reference")

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")  # no interpreter is fetched from elsewhere


@nox.session(python=list(PYTHONS))
def tests(session: nox.Session) -> None:
    """Every test with the newest versions of everything."""
    session.install("--upgrade", "--editable", ".[dev]")
    kernel = PYTHONS[str(session.python)]
    every_test(session, kernel if runs_here(kernel) else OLDEST)


def every_test(session: nox.Session, kernel: str) -> None:
    """The whole suite under one kernel of OpenBLAS."""
    session.run("python", "-m", "pytest", "-q", "-n", "2", *session.posargs, env={"OPENBLAS_CORETYPE": kernel})


@nox.session(python="3.11")
def spark(session: nox.Session) -> None:
    """The tests of Spark, which are skipped where pyspark or Java is not installed."""
    session.install("--constraint", "constraints.txt", "--editable", ".[dev,spark]", "pyspark[connect]")
    session.run(
        "python", "-m", "pytest", "tests/engines/test_spark.py", "tests/engines/test_spark_connect.py", *session.posargs
    )


@nox.session(python="3.11")
def ray(session: nox.Session) -> None:
    """The tests of Ray, which are skipped where it is not installed."""
    session.install("--constraint", "constraints.txt", "--editable", ".[dev,ray]")
    session.run("python", "-m", "pytest", "tests/data/test_ray.py", *session.posargs)


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """Every test with the oldest versions that pyproject.toml allows."""
    session.install("uv")
    # the newest pyparsing warns of what the oldest matplotlib calls, and warnings are errors in the tests
    session.run(
        "uv", "pip", "install", "--python", f"{session.virtualenv.location}/bin/python",
        "--resolution", "lowest-direct", "--editable", ".[dev]", "pyparsing>=3.1,<3.3",
    )  # fmt: skip
    every_test(session, OLDEST)


@nox.session(python=False)
@nox.parametrize("kernel", KERNELS)
def kernels(session: nox.Session, kernel: str) -> None:
    """The numerical tests with another kernel of OpenBLAS, by compiled sums and by NumPy alone."""
    if not runs_here(kernel):
        session.skip(f"this processor has no {NEEDS[kernel]}, which {kernel} needs")
    python = os.environ.get("GRAMIAN_PYTHON", ".venv/bin/python")
    tests = session.posargs or NUMERICAL
    for pure in ("0", "1"):  # without the compiled sums, all products are those of OpenBLAS
        env = {"OPENBLAS_CORETYPE": kernel, "GRAMIAN_PURE": pure}
        session.run(python, "-m", "pytest", "-q", "-n", "2", *tests, env=env, external=True)


def runs_here(kernel: str) -> bool:
    """Whether the processor has the instructions that a kernel needs; Linux says what it can do, others are trusted."""
    facts = Path("/proc/cpuinfo")
    return not facts.exists() or NEEDS.get(kernel, "") in facts.read_text()
