"""Arrays and plain JSON in one file: an uncompressed zip of `manifest.json` and `.npy` members.

The same content gives the same bytes. The comment at the end of the zip is the SHA-256 of all that stands before it,
so that no damaged byte goes unseen; the manifest lists type, shape and SHA-256 of every array, and a reader compares
them with the sizes in the file before it allocates anything. There is no pickle and no evaluation.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
import struct
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import IO, Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gramian.errors import ArtifactError

FORMAT, MAJOR, MINOR = "gramian", 1, 0
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 2**28
MAX_AXES = 3
BLOCK = 2**20
DIGEST = hashlib.sha256().digest_size * 2  # characters
DTYPES = {"float64": "<f8", "int64": "<i8", "bool": "|b1"}
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}){0,4}")
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half of a character beyond the first 65,536: two make one

Array = NDArray[Any]
Stored: TypeAlias = str | PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
BYTES = "these bytes"  # the name of what is no file


def save(path: str | PathLike[str], kind: str, manifest: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a file, replacing an existing one in one step, when all of it is on the disk.

    Parameters and errors as of `write`. Raises ArtifactError where it cannot be written.
    """
    target = Path(path)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:
        with open(temporary, "xb+") as file:
            write(file, kind, manifest, arrays, str(target))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise ArtifactError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def write(
    file: IO[bytes], kind: str, manifest: Mapping[str, Any], arrays: Mapping[str, Array], name: str = BYTES
) -> None:
    """Write to an open file that can be read as well.

    kind : what it is. manifest : plain JSON without NaN. arrays : float64, int64 or bool, by name. name : of the file,
    for messages. Raises ArtifactError for names and levels that are too long.
    """
    storable = {key: _to_storable(key, array) for key, array in arrays.items()}
    members = {key: _described(array) for key, array in storable.items()}
    head = {"format": FORMAT, "version": [MAJOR, MINOR], "kind": kind, "members": members, "content": dict(manifest)}
    text = json.dumps(head, allow_nan=False, indent=1).encode()
    if len(text) > LARGEST_MANIFEST:
        raise ArtifactError(f"{name}: cannot be saved, its names and levels need {len(text):,} bytes")
    _write(file, text, storable)


def load(source: Stored) -> tuple[str, dict[str, Any], dict[str, Array]]:
    """Kind, manifest and arrays of what `save` or `write` wrote: the path of a file, its bytes, or an open binary file.

    Raises ArtifactError, naming the file and what is wrong, for anything else.
    """
    name = named(source)
    try:
        with _opened(source) as file, zipfile.ZipFile(file) as archive:
            head = _manifest(archive)
            _check_digest(file)
            arrays = _read(archive, head["members"], file.seek(0, os.SEEK_END))
            return head["kind"], head["content"], arrays
    except zipfile.BadZipFile as error:
        raise ArtifactError(f"{name}: not a file that gramian wrote, or damaged ({error})") from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place before the beginning of the file
            raise ArtifactError(f"{name}: it is damaged: its parts do not lie where it says") from error
        raise ArtifactError(f"{name}: cannot be read ({error.strerror or error})") from error
    except (ValueError, NotImplementedError, RuntimeError, EOFError, struct.error) as error:
        raise ArtifactError(f"{name}: {str(error) or 'it is cut short'}") from error


def named(source: Stored) -> str:
    """What a file is called in messages."""
    return str(source) if isinstance(source, str | PathLike) else str(getattr(source, "name", BYTES))


def _opened(source: Stored) -> IO[bytes]:
    """A file to read from any place of it. Raises ValueError for what gives no bytes."""
    if isinstance(source, str | PathLike):
        return open(source, "rb")
    if not (isinstance(source, bytes | bytearray | memoryview) or hasattr(source, "read")):
        raise ValueError(f"expected a path, bytes or an open binary file, found {type(source).__name__}")
    content = source if isinstance(source, bytes | bytearray | memoryview) else source.read()
    if not isinstance(content, bytes | bytearray | memoryview):
        raise ValueError("it gives text, not bytes; open it in binary mode")
    return BytesIO(content)


def _write(file: IO[bytes], text: bytes, arrays: Mapping[str, Array]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, MANIFEST, (text,), len(text))
        for name, array in arrays.items():
            header = _header(array.dtype.name, array.shape)
            _add(archive, f"{name}.npy", (header, _bytes(array)), len(header) + array.nbytes)
        archive.comment = b"0" * DIGEST
    file.seek(-DIGEST, os.SEEK_END)
    end = file.tell()
    digest = _digest(file, end).encode()
    file.seek(end)
    file.write(digest)


def _add(archive: zipfile.ZipFile, name: str, parts: tuple[bytes | memoryview, ...], size: int) -> None:
    info = zipfile.ZipInfo(name)  # dated 1980, so that the same content gives the same bytes
    info.create_system, info.external_attr, info.file_size = 3, 0o644 << 16, size
    with archive.open(info, "w") as member:
        for part in parts:
            member.write(part)


def _to_storable(name: str, array: Array) -> Array:
    if not NAME.fullmatch(name) or array.dtype.name not in DTYPES or array.ndim > MAX_AXES:
        raise ValueError(f"'{name}' ({array.dtype}, {array.ndim} axes) has no place in a file")
    return np.asarray(array, DTYPES[array.dtype.name], order="C")


def _described(array: Array) -> dict[str, Any]:
    digest = hashlib.sha256(_header(array.dtype.name, array.shape))
    digest.update(_bytes(array))
    return {"dtype": array.dtype.name, "shape": list(array.shape), "sha256": digest.hexdigest()}


def _header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """The first bytes of the .npy format, version 1.0, written out here so that no release of NumPy changes them."""
    facts = f"{{'descr': '{DTYPES[dtype]}', 'fortran_order': False, 'shape': {shape!r}, }}"
    text = facts.ljust(-(-(len(facts) + 11) // 64) * 64 - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _digest(file: IO[bytes], end: int) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while end > 0 and (block := file.read(min(BLOCK, end))):
        digest.update(block)
        end -= len(block)
    return digest.hexdigest()


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    """The manifest, once format and version are known to be ours."""
    names = [info.filename for info in archive.infolist()]
    if names[:1] != [MANIFEST]:
        raise ValueError("not a file that gramian wrote: it does not begin with a manifest")
    info = archive.infolist()[0]
    _check_stored(info)
    if info.file_size > LARGEST_MANIFEST:
        raise ValueError(f"its manifest claims {info.file_size:,} bytes")
    head = _json(archive.read(info))
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise ValueError("not a file that gramian wrote: its manifest says otherwise")
    _check_version(head.get("version"))
    match head:
        case {"kind": str(), "members": dict(), "content": dict()}:
            return head
    raise ValueError("its manifest is not complete")


def _check_version(version: Any) -> None:
    if not (isinstance(version, list) and len(version) == 2 and all(type(n) is int for n in version)):
        raise ValueError("its manifest has no version")
    if version[0] != MAJOR:
        raise ValueError(f"it has version {version[0]}.{version[1]}; this gramian reads version {MAJOR}")


def _json(text: bytes) -> Any:
    found = json.loads(text.decode(), parse_constant=_no_constant, object_pairs_hook=_object)
    if SURROGATE.search(text):
        _check_unicode(found)
    return found


def _check_unicode(found: Any) -> None:
    """Raise ValueError for half a character, which JSON may hold, but Arrow and terminals refuse."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("its manifest holds half a character, which is no text of Unicode") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"its manifest holds {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("its manifest names something twice")
    return out


def _check_digest(file: IO[bytes]) -> None:
    """Every byte of the file is as it was written."""
    end = file.seek(0, os.SEEK_END) - DIGEST
    file.seek(max(end, 0))
    if file.read() != _digest(file, end).encode():
        raise ValueError("it is damaged: its check sum is not that of its content")


def _check_stored(info: zipfile.ZipInfo) -> None:
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size or info.flag_bits:
        raise ValueError(f"member '{info.filename}' is compressed or encrypted; gramian writes neither")


def _read(archive: zipfile.ZipFile, members: dict[str, Any], size: int) -> dict[str, Array]:
    """All arrays, after the list of members and their sizes have been found in order."""
    infos = archive.infolist()[1:]
    expected = [f"{name}.npy" for name in members]
    if [info.filename for info in infos] != expected:
        raise ValueError("its members are not those that its manifest lists")
    plans = [
        (info, *_checked_facts(name, facts, info)) for (name, facts), info in zip(members.items(), infos, strict=True)
    ]
    if sum(info.file_size for info in archive.infolist()) > size:
        raise ValueError("its members claim more bytes than it has")
    return {name: _array(archive, *plan) for name, plan in zip(members, plans, strict=True)}


def _checked_facts(name: str, facts: Any, info: zipfile.ZipInfo) -> tuple[str, tuple[int, ...], str]:
    """Type, shape and check sum of a member, when they agree with its size."""
    _check_stored(info)
    match facts:
        case {"dtype": str(dtype), "shape": [*shape], "sha256": str(digest)} if (
            NAME.fullmatch(name)
            and dtype in DTYPES
            and len(shape) <= MAX_AXES
            and all(type(n) is int and 0 <= n < 2**48 for n in shape)
        ):
            width = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
            if info.file_size == len(_header(dtype, tuple(shape))) + width:
                return dtype, tuple(shape), digest
    raise ValueError(f"the type, shape and size of member '{info.filename}' do not fit together")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, dtype: str, shape: tuple[int, ...], digest: str) -> Array:
    header = _header(dtype, shape)
    array = np.empty(shape, DTYPES[dtype])
    target = _bytes(array)
    with archive.open(info) as member:
        if member.read(len(header)) != header:
            raise ValueError(f"member '{info.filename}' is not of the type and shape that the manifest says")
        filled = 0
        while filled < len(target) and (block := member.read(min(BLOCK, len(target) - filled))):
            target[filled : filled + len(block)] = block
            filled += len(block)
    actual = hashlib.sha256(header)
    actual.update(target)
    if filled != len(target) or actual.hexdigest() != digest:
        raise ValueError(f"member '{info.filename}' is damaged: its check sum is not the one in the manifest")
    if dtype == "bool" and (array.view(np.uint8) > 1).any():
        raise ValueError(f"member '{info.filename}' holds what is neither true nor false")
    return array
