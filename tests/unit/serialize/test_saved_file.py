"""Files: the same bytes for the same content, and nothing but what was written comes back."""

import hashlib
import json
import os
import pickle
import re
import zipfile

import numpy as np
import pytest

from gramian.errors import ArtifactError
from gramian.serialize import file as store

ARRAYS = {
    "b": np.arange(12.0).reshape(3, 4),
    "deep/er": np.zeros((0, 5)),
    "mask": np.array([True, False]),
    "codes": np.arange(3),
    "one": np.array(3.5),
    "special": np.array([np.nan, np.inf, -0.0]),
    "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "three": np.arange(8.0).reshape(2, 2, 2),
}
CONTENT = {"a": 1, "é": "ü\U0001d53b", "list": [1.5, True, None], "nested": {"x": {}}}


@pytest.fixture
def path(tmp_path):
    store.save(tmp_path / "a.fit", "test", CONTENT, ARRAYS)
    return tmp_path / "a.fit"


def identical(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape)
        assert a[name].tobytes() == b[name].tobytes()


def rewritten(path, change):
    """The file with other members, its check sum made to fit again; `change` works on a list of (info, bytes)."""
    with zipfile.ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for info, data in change(members):
            archive.writestr(info, data, compress_type=info.compress_type)
        archive.comment = b"0" * 64
    sealed(path)


def sealed(path):
    content = path.read_bytes()[:-64]
    path.write_bytes(content + hashlib.sha256(content).hexdigest().encode())


def with_manifest(path, edit):
    def change(members):
        (info, text), *rest = members
        head = json.loads(text)
        edit(head)
        return [(info, json.dumps(head)), *rest]

    rewritten(path, change)


def refused(path, message):
    with pytest.raises(ArtifactError, match=message) as caught:
        store.load(path)
    assert str(path) in str(caught.value)


def test_what_is_saved_comes_back(path):
    kind, content, arrays = store.load(path)
    assert (kind, content) == ("test", CONTENT)
    identical(arrays, ARRAYS)


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    store.save(tmp_path / "b.fit", "test", CONTENT, {k: v.copy() for k, v in ARRAYS.items()})
    assert path.read_bytes() == (tmp_path / "b.fit").read_bytes()


def test_it_is_a_plain_zip_of_numpy_arrays(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        assert archive.namelist() == ["manifest.json", *(f"{name}.npy" for name in ARRAYS)]
        with archive.open("b.npy") as member:
            assert np.array_equal(np.lib.format.read_array(member, allow_pickle=False), ARRAYS["b"])


def test_saving_replaces_a_file_and_leaves_nothing_else(path):
    store.save(path, "other", {}, {})
    assert store.load(path) == ("other", {}, {})
    assert os.listdir(path.parent) == [path.name]


def test_a_failed_save_leaves_the_old_file(path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        store.save(path, "test", {"x": float("nan")}, {})
    with pytest.raises(ValueError, match="has no place"):
        store.save(path, "test", {}, {"x": np.array([object()])})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("name", ["../x", "/x", "x/", "", "a//b", "manifest json", ".hidden", "x/../y"])
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="has no place"):
        store.save(tmp_path / "x.fit", "test", {}, {name: np.zeros(1)})


def test_a_place_that_is_not_there(tmp_path):
    with pytest.raises(ArtifactError, match=r"missing.x\.fit: cannot be written \(No such file"):
        store.save(tmp_path / "missing" / "x.fit", "test", {}, {})
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot be written"):
        store.save(tmp_path / "file" / "x.fit", "test", {}, {})
    with pytest.raises(ArtifactError, match="cannot be written"):
        store.save(tmp_path, "test", {}, {})
    refused(tmp_path / "x.fit", "cannot be read \\(No such file")
    refused(tmp_path, "cannot be read")


def test_every_cut_is_an_error(path):
    whole = path.read_bytes()
    for length in {*range(0, len(whole), 37), *range(len(whole) - 100, len(whole)), *range(100)}:
        path.write_bytes(whole[:length])
        refused(path, ".")


def test_every_flipped_bit_is_an_error(path):
    whole = bytearray(path.read_bytes())
    for at in range(len(whole)):
        whole[at] ^= 1 << at % 8
        path.write_bytes(whole)
        refused(path, ".")
        whole[at] ^= 1 << at % 8


def test_every_byte_taken_out_is_an_error(path):
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + whole[at + 1 :])
        with pytest.raises(ArtifactError) as caught:
            store.load(path)
        assert "cannot be read" not in str(caught.value)  # what is wrong is the file, not the disk


def test_bytes_before_or_after_are_an_error(path):
    whole = path.read_bytes()
    for damaged in (b"x" + whole, whole + b"x", whole + whole):
        path.write_bytes(damaged)
        refused(path, ".")


@pytest.mark.parametrize("content", [b"", b"PK", b"x,y\n1,2\n", pickle.dumps([1, 2]), b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_such_file(path, content):
    path.write_bytes(content)
    refused(path, "not a file that gramian wrote")


def test_a_rewritten_file_is_still_read(path):
    rewritten(path, lambda members: members)
    identical(store.load(path)[2], ARRAYS)


def test_swapped_members(path):
    rewritten(path, lambda m: [m[0], m[2], m[1], *m[3:]])
    refused(path, "its members are not those that its manifest lists")


def test_swapped_contents(path):
    rewritten(path, lambda m: [*m[:3], (m[3][0], m[4][1]), (m[4][0], m[3][1]), *m[5:]])
    refused(path, "do not fit together")


def test_changed_contents(path):
    rewritten(path, lambda m: [m[0], (m[1][0], m[1][1][:-1] + b"\x01"), *m[2:]])
    refused(path, "member 'b.npy' is damaged")


def test_foreign_and_missing_members(path):
    rewritten(path, lambda m: [*m, (zipfile.ZipInfo("extra.npy"), b"123")])
    refused(path, "its members are not those")
    rewritten(path, lambda m: m[:-2])
    refused(path, "its members are not those")
    rewritten(path, lambda m: m[1:])
    refused(path, "does not begin with a manifest")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_members(path):
    rewritten(path, lambda m: [*m, m[1]])
    refused(path, "its members are not those|Overlapped")


def test_compressed_members(path):
    def compress(members):
        members[1][0].compress_type = zipfile.ZIP_DEFLATED
        return members

    rewritten(path, compress)
    refused(path, "'b.npy' is compressed")


def test_a_compressed_manifest(path):
    def compress(members):
        members[0][0].compress_type = zipfile.ZIP_DEFLATED
        return members

    rewritten(path, compress)
    refused(path, "'manifest.json' is compressed")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", [2, 0], re.escape("it has version 2.0; this gramian reads version 1")),
        ("version", "1", "its manifest has no version"),
        ("version", [True, 0], "its manifest has no version"),
        ("format", "zip", "its manifest says otherwise"),
        ("kind", 3, "its manifest is not complete"),
        ("members", [], "its manifest is not complete"),
        ("content", None, "its manifest is not complete"),
    ],
)
def test_other_manifests(path, key, value, message):
    with_manifest(path, lambda head: head.update({key: value}))
    refused(path, message)


def test_a_newer_minor_version_is_read(path):
    with_manifest(path, lambda head: head.update(version=[1, 7]))
    assert store.load(path)[0] == "test"


@pytest.mark.parametrize(
    "facts",
    [
        {"shape": [2**40, 2**40]},
        {"shape": [3, 5]},
        {"shape": [12]},
        {"shape": [-3, -4]},
        {"shape": [3.0, 4.0]},
        {"shape": [True, 12]},
        {"shape": [3, 4, 1, 1]},
        {"shape": 12},
        {"dtype": "int64"},
        {"dtype": "object"},
        {"dtype": "|O"},
        {"dtype": None},
        {"sha256": None},
        {"sha256": "0" * 64},
    ],
)
def test_members_that_are_not_what_the_manifest_says(path, facts):
    with_manifest(path, lambda head: head["members"]["b"].update(facts))
    refused(path, "'b.npy'")


def test_an_array_of_objects(path):
    def pickled(members):
        info, _ = members[1]
        header = (
            b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (3, 4), }".ljust(117) + b"\n"
        )
        return [members[0], (info, header + pickle.dumps([1])), *members[2:]]

    rewritten(path, pickled)
    refused(path, "'b.npy'")


def test_a_header_that_says_something_else_of_the_same_length(path):
    rewritten(path, lambda m: [m[0], (m[1][0], m[1][1].replace(b"(3, 4)", b"(4, 3)")), *m[2:]])
    refused(path, "not of the type and shape")


def test_booleans_are_true_or_false(path):
    def change(members):
        (info, text), *rest = members
        head = json.loads(text)
        at = next(i for i, (member, _) in enumerate(rest) if member.filename == "mask.npy")
        rest[at] = (rest[at][0], rest[at][1][:-1] + b"\x02")
        head["members"]["mask"]["sha256"] = hashlib.sha256(rest[at][1]).hexdigest()
        return [(info, json.dumps(head)), *rest]

    rewritten(path, change)
    refused(path, "neither true nor false")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting"),
        ("[1]", "its manifest says otherwise"),
        ('{"format": NaN}', "holds NaN"),
        ('{"format": 1, "format": 2}', "names something twice"),
        ("[" * 100_000, "recursion|Expecting"),
        ("9" * 10_000, "digits"),
        (b"\xff", "utf-8"),
    ],
)
def test_manifests_that_are_no_json(path, text, message):
    rewritten(path, lambda m: [(m[0][0], text), *m[1:]])
    refused(path, message)


def test_a_huge_manifest_is_not_read(path, monkeypatch):
    monkeypatch.setattr(store, "LARGEST_MANIFEST", 100)
    refused(path, "its manifest claims")
    with pytest.raises(ArtifactError, match="cannot be saved"):
        store.save(path, "test", CONTENT, ARRAYS)
