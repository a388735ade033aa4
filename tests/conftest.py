"""Shared settings: hypothesis never times a test (the machine may be busy) and draws the same examples each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import Forks, forks
from hypothesis import HealthCheck, settings
from processes import COMMAND, PLAIN, PROGRAM, Done, Forked, modules

RANDOM = os.environ.get("GRAMIAN_RANDOM") == "1"  # other examples each time, to look for what the fixed ones miss
settings.register_profile(
    "gramian", deadline=None, derandomize=not RANDOM, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gramian")


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A process that has imported the package, and forks a child for each command."""
    with forks(modules(), str(tmp_path_factory.mktemp("processes")), PLAIN) as made:
        yield made


@pytest.fixture
def forked(processes: Forks, tmp_path_factory: pytest.TempPathFactory) -> Forked:
    """Run `gramian` with arguments in a folder, in a child of that process."""

    def ran(folder: Path, *arguments: str) -> Done:
        output = [str(tmp_path_factory.mktemp("output") / name) for name in ("out", "err")]
        code = processes.code(PROGRAM, [COMMAND[-1], *arguments], str(folder), output)
        return Done([*COMMAND, *arguments], code, *(Path(name).read_text(encoding="utf-8") for name in output))

    return ran
