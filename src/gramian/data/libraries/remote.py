"""Source over files of object stores and web servers: s3://, gs://, abfs://, https:// and what else fsspec knows.

Parquet and Arrow files are read by ranges of bytes, a unit a row group, and only the columns that are needed. Text is
copied into a temporary folder once, since it is read whole in any case.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from glob import has_magic
from itertools import pairwise, takewhile
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.dataset as pd
from pyarrow import fs

from gramian.batch import Input, Rereadable
from gramian.data.dataset import read_dataset
from gramian.data.files import read_files
from gramian.data.libraries.copies import Folder, OfCopy, copy_stream, with_suffix
from gramian.data.libraries.read_ahead import read_ahead
from gramian.data.libraries.remote_files import Checked, Readers, RemoteFile, handler_of, is_web, reached, seen
from gramian.data.libraries.remote_tables import check_outside_tables
from gramian.data.paths import SUPPORTED, check_one_format, entries_of, hidden, is_address, kind_of
from gramian.data.read_errors import error_context
from gramian.errors import DataError, MissingExtraError, did_you_mean

NATIVE = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "file")  # what Arrow reads by itself
OPTIONS = re.compile(r"\?\w+=[^/]*$")
SECRETS = re.compile(r"(?<=://)[^/@]*:[^/@]*@|(?<=[?&])(?:access_key|secret_key|session_token)=[^&]*&?")
PATIENCE = 20  # seconds in which a store must answer; Arrow would ask Google's for a quarter of an hour, S3 for three
IN_RANGES = {"parquet": pd.ParquetFileFormat, "ipc": pd.IpcFileFormat, "orc": pd.OrcFileFormat}


def read_remote(data: Any) -> Rereadable:
    """A source over the files that an address, a pattern, a folder or a list of them stands for.

    Raises DataError where there is no such file, where it cannot be read, or where credentials are missing.
    """
    addresses = [os.fspath(entry) for entry in entries_of(data)]
    system = _system(addresses[0])
    files = sorted((file for address in addresses for file in _found(system, address)), key=lambda file: file.path)
    if repeated := [file.url for file, other in pairwise(files) if file == other]:
        raise DataError("is named more than once: its rows would count twice", repeated[0])
    check_one_format([file.name for file in files], addresses[0])
    kind = kind_of(files[0].name)
    if kind is None and not is_web(files[0].url):
        raise DataError(f"unknown kind of file; supported are {SUPPORTED}", files[0].url)
    in_place = kind in IN_RANGES and all(_in_parts(system, file) for file in files)
    source = _in_ranges(system, files, str(kind)) if in_place else _copied(system, files)
    inputs = tuple(
        Input(file.url, file.size, known.rows, file.changed, known.units, file.identity)
        for file, known in zip(files, source.inputs, strict=True)
    )
    size = sum(file.size or 0 for file in files)
    return replace(source, inputs=inputs, size=size, paths=tuple(map(without_secrets, addresses)))


def without_secrets(address: str) -> str:
    """An address as it may be saved: who reads it again has keys of their own, in the environment."""
    return SECRETS.sub("", address).rstrip("?&")


def with_options(names: Sequence[str], data: Sequence[str]) -> list[str]:
    """The addresses of files, which are named without options, with those of the data among which they were found."""
    if not data or not all(map(is_address, data)) or is_web(data[0]):
        return list(names)
    options = _parts(data[0])[1]
    return [name + options for name in names]


def _in_parts(system: Any, file: RemoteFile) -> bool:
    """Whether ranges of bytes of a file can be read."""
    in_ranges: Callable[[str], bool] = getattr(handler_of(system), "in_ranges", lambda path: True)
    return in_ranges(file.path)


def _system(address: str) -> Any:
    """The file system of an address. Raises MissingExtraError where it needs a library that is not there."""
    scheme = address.partition("://")[0].lower()
    if is_web(address):
        from gramian.data.libraries.web import Web  # urllib takes a while to import

        return fs.PyFileSystem(Web())
    with reached(address):
        if scheme in NATIVE:
            return _patient(fs.FileSystem.from_uri(_base(address))[0])
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError("fsspec", "remote") from error
    try:
        return fs.PyFileSystem(fs.FSSpecHandler(fsspec.filesystem(scheme)))
    except ImportError as error:
        raise DataError(f"fsspec reads {scheme}:// with the help of another package ({error})", address) from error
    except ValueError as error:
        raise DataError(f"'{scheme}' is no protocol that is known{did_you_mean(scheme, NATIVE)}", address) from error


def _patient(system: Any) -> Any:
    """The same file system, which gives a busy S3 server time to answer: asked again, it would only be busier."""
    if system.type_name != "s3":
        return system
    make, (options,) = system.__reduce__()  # an address has no such option
    return make({**options, "request_timeout": float(PATIENCE)})


def _base(address: str) -> str:
    """An address without a pattern, as far as its folders are plain, with its options."""
    path, options = _parts(address)
    if address.startswith(("gs://", "gcs://")) and "retry_limit_seconds" not in options:
        options += f"{'&' if options else '?'}retry_limit_seconds={PATIENCE}"
    return "/".join(takewhile(lambda part: not has_magic(part), path.split("/"))) + options


def _parts(address: str) -> tuple[str, str]:
    """An address without its options, and these, as `?scheme=http&region=eu-central-1`; a lone `?` is of a pattern."""
    options = OPTIONS.search(address)
    return (address, "") if options is None else (address[: options.start()], options[0])


def _found(system: Any, address: str) -> list[RemoteFile]:
    """The files that an address, a folder or a pattern stands for."""
    scheme, _, rest = address.partition("://")
    whole = is_web(address)
    if whole and "*" in urlsplit(address).path:
        raise DataError("a web server does not list its files; give the address of each", address)
    path = address if whole else _parts(rest)[0] if scheme.lower() in NATIVE else rest
    with reached(address):
        infos = _listed(system, path, exactly=whole)
    if not infos:
        raise DataError("no such file or folder, or nothing matches the pattern", address)
    named = [(info.path if whole else f"{scheme}://{info.path}", info) for info in infos]
    return [RemoteFile(url, info.path, *seen(system, info)) for url, info in named]


def _listed(system: Any, path: str, *, exactly: bool) -> list[Any]:
    """Facts of the files of a path, a folder or a pattern. exactly : no pattern, whatever characters it has.

    Raises DataError where they belong to a table of Delta, Iceberg or Hudi.
    """
    if exactly:
        info = system.get_file_info(path)
        return [info] if info.type == fs.FileType.File else []
    top = "/".join(takewhile(lambda part: not has_magic(part), path.split("/")))
    infos = [system.get_file_info(top)] if top == path else []
    if not infos or infos[0].type == fs.FileType.Directory:
        infos = system.get_file_info(fs.FileSelector(top, recursive=True))
    files = _visible(infos, top)
    if top != path:
        files = [info for info in files if fnmatch(info.path.lstrip("/"), path.lstrip("/"))]
    check_outside_tables(system, [info.path for info in files], [info.path for info in infos], top)
    return files


def _visible(infos: Sequence[Any], top: str) -> list[Any]:
    """The files at or below a path, without hidden and empty ones."""
    files = [info for info in infos if info.type == fs.FileType.File and (info.size or info.path == top)]
    return [info for info in files if not any(hidden(part) for part in info.path[len(top) :].split("/"))]


def _in_ranges(system: Any, files: Sequence[RemoteFile], kind: str) -> Rereadable:
    """A source over row groups of remote files, of which only ranges of bytes are read."""
    # with their sizes, so that nobody asks for them again
    infos = [fs.FileInfo(file.path, fs.FileType.File, size=file.size) for file in files]
    keys = pd.FileSystemFactoryOptions(partitioning=pd.HivePartitioning.discover())
    with error_context(files[0].url):
        factory = pd.FileSystemDatasetFactory(system, infos, IN_RANGES[kind](), keys)
        # of the first file, then of the names of folders; by itself Arrow would refuse those that are in both
        fields = {field.name: field for schema in factory.inspect_schemas() for field in schema}
        data = factory.finish(pa.schema(list(fields.values())))
    source = read_dataset(data, declared=False)
    if kind == "parquet":
        scans: Any = source.units
        source = replace(source, units=read_ahead(system, scans, {file.path: file.size or 0 for file in files}))
    if is_web(files[0].url):  # which checks the version of every answer
        return source
    by_path = {file.path: (file, system, Readers()) for file in files}
    units = tuple(Checked(unit, *by_path[unit.name.partition(", row group")[0]]) for unit in source.units)
    return replace(source, units=units)


def _copied(system: Any, files: Sequence[RemoteFile]) -> Rereadable:
    """A source over copies of remote files, in a temporary folder that lives as long as the source."""
    folder = Folder()
    copies = {_copy(system, file, os.path.join(folder.name, f"{at:06d}")): file for at, file in enumerate(files)}
    source = read_files(list(copies))
    of_units: Sequence[Any] = source.units
    readers = {path: Readers() for path in copies}
    units = tuple(
        Checked(OfCopy(unit, folder), copies[unit.file.path], system, readers[unit.file.path]) for unit in of_units
    )
    return replace(source, units=units)


def _copy(system: Any, file: RemoteFile, folder: str) -> str:
    """The path of a copy of a file, in folders that are keys. Raises DataError where it came in part only."""
    keys = [part for part in os.path.dirname(file.path).split("/") if "=" in part]
    path = os.path.join(folder, *keys, file.name or "file")
    os.makedirs(os.path.dirname(path))
    with error_context(file.url), system.open_input_stream(file.path) as source:
        size = copy_stream(source.read, path)
    if size != file.size is not None:
        raise DataError(f"has {file.size} bytes, {size} came: the copy is cut short", file.url)
    return with_suffix(path) if kind_of(path) is None else path
