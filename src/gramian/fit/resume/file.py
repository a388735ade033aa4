"""The checkpoint file: passes of a fit, with the model and the data that they belong to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from gramian import __version__
from gramian.batch import Source
from gramian.errors import ArtifactError, OptionError, listing
from gramian.fit.resume.checkpoint import SavedPass, fingerprint
from gramian.fit.resume.save import FORMS, kind_of
from gramian.models.glm import GLM
from gramian.serialize import file as store
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays

KIND = "checkpoint"
MAX_LEVEL = 64  # of a tree of 2^64 units
FACTS = ("version", "model", "inputs", "units", "passes")
PASS = ("task", "whole", "parts")


def options_by_name(options: object) -> dict[str, object]:
    """Options by name, nested ones included; a model by its family, theta and link."""
    out: dict[str, object] = {}
    for field in fields(options) if is_dataclass(options) else ():
        value = getattr(options, field.name)
        if isinstance(value, GLM):
            out |= {"family": value.family.name, "theta": value.family.theta, "link": value.link.name}
        elif is_dataclass(value):
            out |= options_by_name(value)
        else:
            is_json = isinstance(value, str | bool | int | None)
            out[field.name] = (
                plain.number_to_json(value) if isinstance(value, float) else value if is_json else str(value)
            )
    return out


@dataclass(frozen=True, slots=True)
class FileState:
    """State of a file that is read, by which a later change is noticed.

    Attributes
    ----------
    path : str
        Absolute path.
    size : int
        Bytes.
    changed : int
        Time of the last change, in ns.
    """

    path: str
    size: int
    changed: int


class Checkpoint:
    """A checkpoint in one file.

    path : the file. model : options of the run by name. source : its rows, which have to be files. Raises OptionError
    for data that a later run could not recognise.
    """

    def __init__(self, path: Path, model: Mapping[str, object], source: Source) -> None:
        self.path, self.model = path, model
        self.inputs = tuple(_file_states(path, source))
        self.units = fingerprint([(unit.name, unit.rows, unit.size) for unit in source.units])

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def knows(self, partial: object) -> bool:
        """Whether partial sums of this kind can be written."""
        return kind_of(partial) is not None

    def read(self) -> Sequence[SavedPass]:
        """The passes of an earlier run; none where the file does not exist.

        Raises ArtifactError for a file of another run, and for one that no run has written.
        """
        # before anything else, also where no checkpoint exists: a run may have been killed in its first save
        self._tidy()
        if not self.path.exists():
            return ()
        kind, manifest, arrays = store.load(self.path)
        if kind != KIND:
            raise ArtifactError(f"{self.path}: it holds a '{kind}', not a checkpoint; give another file")
        try:
            version, model, inputs, units, passes = plain.fields(manifest, FACTS)
            self._check(plain.text(version), plain.mapping(model, lambda value: value), _inputs(inputs), units)
            return [_pass(i, manifest_of_pass, arrays) for i, manifest_of_pass in enumerate(plain.sequence(passes))]
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise ArtifactError(f"{self.path}: its content makes no sense: {error}") from error

    def write(self, passes: Sequence[SavedPass]) -> None:
        """Replace the file atomically.

        Raises ArtifactError where it cannot be written; the file of the last time is then still there.
        """
        pass_manifests, arrays = list[object](), dict[str, NDArray[Any]]()
        for i, one in enumerate(passes):
            parts = []
            for j, (level, partial) in enumerate(one.parts):
                kind = kind_of(partial)
                assert kind is not None
                manifest, part_arrays = FORMS[kind].write(partial)
                parts.append([level, kind, manifest])
                arrays |= {f"{i}/{j}/{name}": array for name, array in part_arrays.items()}
            pass_manifests.append(dict(zip(PASS, (one.task, one.finished, parts), strict=True)))
        inputs = [[read.path, read.size, read.changed] for read in self.inputs]
        facts = (__version__, dict(self.model), inputs, self.units, pass_manifests)
        try:
            # written to a temporary file, then renamed: a run killed here leaves the earlier file
            store.save(self.path, KIND, dict(zip(FACTS, facts, strict=True)), arrays)
        except ArtifactError as error:
            hint = "; the earlier one is complete: make room and run the same again" if self.path.exists() else ""
            raise ArtifactError(f"{error}{hint}") from error

    def delete(self) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError):
            os.unlink(self.path)

    def _tidy(self) -> None:
        """Remove temporary files of a run that was killed while it wrote."""
        with suppress(OSError):
            for path in self.path.parent.iterdir():
                if re.fullmatch(rf"\.{re.escape(self.path.name)}\.[0-9a-f]{{8}}", path.name):
                    path.unlink()

    def _check(self, version: str, model: Mapping[str, Any], inputs: Sequence[FileState], units: object) -> None:
        """Raise ArtifactError unless version, options, files and units are those of this run."""
        if version != __version__:
            self._refuse(f"it was made by gramian {version}, this is {__version__}")
        for name in {**model, **self.model}:
            if model.get(name) != self.model.get(name):
                self._refuse(f"it was made with {name} = {model.get(name)!r}, now it is {self.model.get(name)!r}")
        before, now = ({read.path: read for read in files} for files in (inputs, self.inputs))
        if absent := sorted(before.keys() - now.keys()):
            self._refuse(f"data that it was made from are not there: {listing(absent, 3)}")
        if new := sorted(now.keys() - before.keys()):
            self._refuse(f"there are data that it was not made from: {listing(new, 3)}")
        for path, read in now.items():
            if read != before[path]:
                self._refuse(f"'{path}' has changed since: {before[path].size:,} bytes then, {read.size:,} now")
        if units != self.units:
            self._refuse("the row groups of its data are not the same")

    def _refuse(self, why: str) -> None:
        """Raise ArtifactError with this reason."""
        raise ArtifactError(f"{self.path}: {why}; give what it was made for, or delete it to start anew")


def _file_states(path: Path, source: Source) -> Iterable[FileState]:
    """State of the files that are read. Raises OptionError for data that are not in files."""
    for read in source.inputs:
        if read.changed is None or read.size is None or not source.rereadable:
            raise OptionError(
                f"a checkpoint needs data in files, which can be recognised when the run goes on; found {read.name}"
            )
        yield FileState(os.path.abspath(read.name), read.size, read.changed)


def _inputs(obj: object) -> list[FileState]:
    """File states from JSON. Raises ValueError."""
    parts = [plain.sequence(part, 3) for part in plain.sequence(obj)]
    numbers = [plain.integer(n, 0, 2**63) for part in parts for n in part[1:]]
    return [FileState(plain.text(part[0]), *numbers[2 * i : 2 * i + 2]) for i, part in enumerate(parts)]


def _pass(number: int, obj: object, arrays: Arrays) -> SavedPass:
    """A pass from JSON and arrays. Raises ValueError."""
    task, finished, parts = plain.fields(obj, PASS)
    read = tuple(_part(f"{number}/{i}/", part, arrays) for i, part in enumerate(plain.sequence(parts)))
    levels = [level for level, _ in read]
    # a tree holds at most one partial sum of each level, the largest first
    if levels != sorted(set(levels), reverse=True) or (plain.flag(finished) and len(read) != 1):
        plain.wrong("the partials of a tree", levels)
    return SavedPass(plain.text(task), read, finished)


def _part(prefix: str, obj: object, arrays: Arrays) -> tuple[int, Any]:
    """Level and partial sum from JSON and arrays with this prefix."""
    level, kind, manifest = plain.sequence(obj, 3)
    if kind not in FORMS:
        plain.wrong("a kind of partial", kind)
    part_arrays = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return plain.integer(level, 0, MAX_LEVEL), FORMS[kind].read(manifest, part_arrays)
