"""The checkpoint file: passes of a fit, with the model and the data that they belong to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from gramian.batch import Source
from gramian.errors import ArtifactError, OptionError, listing
from gramian.fit.resume.checkpoint import SavedPass, fingerprint
from gramian.fit.resume.save import KINDS, PASSES
from gramian.models.glm import GLM
from gramian.serialize import file as store
from gramian.serialize.codec import Members, mapping, sequence
from gramian.serialize.record import at, record, row
from gramian.serialize.values import JSON, number_to_json
from gramian.version import __version__

KIND = "checkpoint"


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
            out[field.name] = number_to_json(value) if isinstance(value, float) else value if is_json else str(value)
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


@dataclass(frozen=True, slots=True)
class Content:
    """What a checkpoint holds: what it was made by and from, and its passes, which only the same version reads."""

    version: str
    model: Mapping[str, Any]
    inputs: tuple[FileState, ...]
    units: str
    passes: tuple[Any, ...]


CONTENT = record(
    Content,
    "version",
    at("model", mapping(JSON)),
    at("inputs", sequence(row(FileState, "path size changed"))),
    at("units", JSON),
    at("passes", sequence(JSON)),
)


class Checkpoint:
    """A checkpoint in one file.

    path : the file. model : options of the run by name. source : its rows, which have to be files. Raises OptionError
    for data that a later run could not recognise.
    """

    def __init__(self, path: Path, model: Mapping[str, object], source: Source) -> None:
        self.path, self.model = path, model
        self.inputs = tuple(_file_states(path, source))
        units = [(unit.name, unit.rows, unit.size) for unit in source.units]
        where = getattr(source, "reading", {}).get("where")
        self.units = fingerprint(units if where is None else [*units, where])

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def knows(self, partial: object) -> bool:
        """Whether partial sums of this kind can be written."""
        return type(partial) in {codec.kind for codec in KINDS.values()}

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
            content = CONTENT.read(manifest, Members({}))
            self._check(content)
            return PASSES.load(list(content.passes), arrays, "a checkpoint")
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise ArtifactError(f"{self.path}: its content makes no sense: {error}") from error

    def write(self, passes: Sequence[SavedPass]) -> None:
        """Replace the file atomically.

        Raises ArtifactError where it cannot be written; the file of the last time is then still there.
        """
        parts, arrays = PASSES.dump(tuple(passes))
        content, _ = CONTENT.dump(Content(__version__, self.model, self.inputs, self.units, parts))
        try:
            # written to a temporary file, then renamed: a run killed here leaves the earlier file
            store.save(self.path, KIND, content, arrays)
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

    def _check(self, content: Content) -> None:
        """Raise ArtifactError unless version, options, files and units are those of this run."""
        if content.version != __version__:
            self._refuse(f"it was made by gramian {content.version}, this is {__version__}")
        model = content.model
        for name in {**model, **self.model}:
            if model.get(name) != self.model.get(name):
                self._refuse(f"it was made with {name} = {model.get(name)!r}, now it is {self.model.get(name)!r}")
        before, now = ({read.path: read for read in files} for files in (content.inputs, self.inputs))
        if absent := sorted(before.keys() - now.keys()):
            self._refuse(f"data that it was made from are not there: {listing(absent, 3)}")
        if new := sorted(now.keys() - before.keys()):
            self._refuse(f"there are data that it was not made from: {listing(new, 3)}")
        for path, read in now.items():
            if read != before[path]:
                self._refuse(f"'{path}' has changed since: {before[path].size:,} bytes then, {read.size:,} now")
        if content.units != self.units:
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
