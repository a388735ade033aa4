"""Which kernels are used, by environment and processor, and what an install without a compiler does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gramian
from gramian.kernels import build
from gramian.kernels.library import Library, available, best

CHOSEN = "from gramian.kernels.library import library; found = library(); print(found.name if found else None)"


def in_process(code: str, **environment: str) -> str:
    path = str(Path(gramian.__file__).parents[1])
    settings = {k: v for k, v in os.environ.items() if not k.startswith("GRAMIAN_")} | {"PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=settings | environment, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def test_the_best_of_the_processor_is_chosen() -> None:
    assert in_process(CHOSEN) == str(best())


def test_kernels_can_be_switched_off() -> None:
    assert in_process(CHOSEN, GRAMIAN_PURE="1") == "None"


def test_a_kernel_can_be_named(compiled: Library) -> None:
    assert in_process(CHOSEN, GRAMIAN_KERNEL=compiled.name) == compiled.name
    assert compiled.name in available()


def test_versions_say_which_kernel_is_used() -> None:
    show = "import gramian as gm; gm.show_versions()"
    assert f"compiled sums {best() or 'none (NumPy)'}" in " ".join(in_process(show).split())
    pure = in_process(show, GRAMIAN_PURE="1")
    assert "none (NumPy)" in pure
    assert f"numpy {np.__version__}" in " ".join(pure.split())


def test_an_import_loads_no_kernel() -> None:
    code = "import sys, gramian; print([m for m in sys.modules if m.startswith('gramian.kernels')])"
    assert in_process(code) == "[]"


def test_what_is_no_library_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gramian.kernels import library

    (tmp_path / "_kernel_v3.so").write_bytes(b"not a library")
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    library.load.cache_clear()
    try:
        assert library.load("v3") is None
        assert library.load("v4") is None
    finally:
        library.load.cache_clear()


@pytest.mark.parametrize("command", [None, "no-such-compiler-of-c++", "false"])
def test_nothing_is_built_without_a_compiler_that_works(
    command: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "compiler", lambda: command)
    monkeypatch.delenv("GRAMIAN_PURE", raising=False)
    assert build.build(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_every_instruction_set_of_the_machine_is_built() -> None:
    names = build.instruction_sets()
    assert names[-1] == "portable"
    assert set(names) <= set(build.ARCHITECTURES)


def test_a_library_is_replaced_and_not_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has mapped the library of before keeps it as it was."""
    compiler, folder = tmp_path / "compiler", tmp_path / "kernels"
    compiler.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\necho new > "$2"\n')
    compiler.chmod(0o755)
    folder.mkdir()
    before = folder / "_kernel_portable.so"
    before.write_text("old\n")
    monkeypatch.setattr(build, "compiler", lambda: str(compiler))
    monkeypatch.delenv("GRAMIAN_PURE", raising=False)
    with before.open() as kept:
        built = build.build(folder)
        assert before.stat().st_ino != os.fstat(kept.fileno()).st_ino
        assert kept.read() == "old\n"
    assert before.read_text() == "new\n"
    assert sorted(folder.iterdir()) == sorted(built)
