"""Runs of Python programs without their imports: one process imports them once, and forks a child for each run.

The child runs the program at the top level of its `__main__` and finalizes its interpreter, as a process that was
started for it does. The process that forks has run nothing, so that the threads of Arrow's pools are the child's own.
The collector of garbage leaves out what was imported, in which it would look for nothing for half of the time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import devnull
from subprocess import DEVNULL, PIPE, Popen, run
from typing import Any

# what a process has loaded after a program has run; without those that Python makes itself, such as `__main__`
LOADED = """
import atexit, sys
def write(target=sys.argv.pop(1)):
    with open(target, "w") as file:
        file.write("\\n".join(name for name, module in sys.modules.items() if getattr(module, "__spec__", None)))
atexit.register(write)
"""
SERVER = """
import contextlib, gc, importlib, json, os, sys
for name in json.loads(sys.stdin.readline()):
    with contextlib.suppress(Exception):
        importlib.import_module(name)
gc.collect()
gc.freeze()
print(len(sys.modules), flush=True)
while asked := sys.stdin.readline():
    program, arguments, folder, streams = json.loads(asked)
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
if asked:
    for stream, name in enumerate(streams):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), stream)
    os.chdir(folder)
    sys.argv[:] = arguments
    exec(program)
"""


NOWHERE = (devnull, devnull)


class Forks:
    """A process that forks a child for each run.

    Attributes
    ----------
    modules : int
        Modules that are loaded before a run.
    """

    def __init__(self, modules: Sequence[str], folder: str, environment: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-c", SERVER]
        self.process = Popen(command, cwd=folder, env=environment, stdin=PIPE, stdout=PIPE, text=True)
        self.modules = int(self._answer(list(modules)))

    def code(self, program: str, arguments: Sequence[str], folder: str = ".", output: Sequence[str] = NOWHERE) -> int:
        """How a run ended: its exit code; below zero is a signal. What it prints goes to two files."""
        return int(self._answer([program, list(arguments), folder, [devnull, *output]]))

    def close(self) -> None:
        """End the process."""
        with self.process:  # closes its input, and waits
            pass

    def _answer(self, question: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def loaded_modules(program: str, arguments: Sequence[str], folder: str) -> list[str]:
    """Names of the modules that a run loads, in their order."""
    target = f"{folder}/loaded.txt"
    command = [sys.executable, "-c", LOADED + program, target, *arguments[1:]]
    run(command, cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, check=False)
    with open(target) as file:
        return file.read().split("\n")


@contextmanager
def forks(modules: Sequence[str], folder: str, environment: Mapping[str, str] | None = None) -> Iterator[Forks]:
    """The process, ended afterwards."""
    made = Forks(modules, folder, environment)
    try:
        yield made
    finally:
        made.close()
