"""CSV as it is written elsewhere: the options of pandas, with the values that pandas reads."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from random import Random

import pandas as pd
import pytest

import gramian as gm
from data.reading import everything
from gramian.data.csv import raw_text, reader
from gramian.data.csv import row_blocks as row_blocks_module
from gramian.data.csv.dialect import Dialect
from gramian.data.csv.row_blocks import row_blocks
from gramian.data.source import source_of
from gramian.errors import DataError, OptionError

GERMAN = "größe;wert;ort\n" + "".join(
    f'-;{i},5;"Bonn\nSüd"\n' if i % 5 == 0 else f"{i}.{i:03d};{i // 7},{i % 7};Köln\n" for i in range(1, 400)
)
SWISS = "a,b\n" + "".join(f"{1000 * i:_},{i}\n".replace("_", "'") for i in range(40))
OPTIONS = [
    (GERMAN, {"sep": ";", "decimal": ",", "thousands": ".", "na_values": "-", "encoding": "latin-1"}),
    (GERMAN, {"sep": ";", "decimal": ",", "thousands": ".", "na_values": ["-", "x"]}),
    (GERMAN, {"decimal": ",", "encoding": "cp1252"}),
    (SWISS, {"thousands": "'"}),
    ("a|b\n1|2,5\n3|-1,25\n", {"sep": "|", "decimal": ","}),
    ("a,b\n1,?\n?,4\n", {"na_values": ["?"]}),
    (GERMAN, {"decimal": ",", "encoding": "utf-16"}),
    (GERMAN, {"decimal": ",", "encoding": "utf-32-be"}),
    (GERMAN, {"decimal": ",", "encoding": "utf-16", "header": 0}),
    ("a title\n\n" + SWISS, {"header": 2, "thousands": "'", "skip_blank_lines": False}),
]


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str, encoding: str, compressed: bool) -> Path:
        path, data = tmp_path / ("t.csv.gz" if compressed else "t.csv"), text.encode(encoding)
        path.write_bytes(gzip.compress(data, 1) if compressed else data)
        return path

    return write


def plain(value: object) -> object:
    return None if value is None or value != value else float(value) if isinstance(value, int | float) else value


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(("text", "options"), OPTIONS, ids=range(len(OPTIONS)))
def test_the_values_are_those_of_pandas(written, monkeypatch, text, options, compressed):
    monkeypatch.setattr(reader, "BLOCK", 1000)  # blocks begin and end everywhere
    path = written(text, options.get("encoding", "utf-8"), compressed)
    ours = {name: value for name, value in options.items() if name != "skip_blank_lines"}
    found = everything(source_of(gm.csv(path, **ours)))
    expected = pd.read_csv(path, **{"sep": ";" if text is GERMAN else ",", **options})
    assert list(found) == list(expected.columns)
    for name in found:
        assert list(map(plain, found[name])) == list(map(plain, expected[name].tolist())), name


def test_a_file_without_names(written):
    path = written("1,2\n3,4\n5,7\n", "utf-8", False)
    assert everything(source_of(gm.csv(path, header=False))) == {"V1": [1, 3, 5], "V2": [2, 4, 7]}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
def test_names_of_a_file_without_names(written, compressed):
    path = written("1,u\n3,v\n5,x7\n", "utf-8", compressed)
    assert everything(source_of(gm.csv(path, header=["a", "b"]))) == {"a": [1, 3, 5], "b": ["u", "v", "x7"]}
    assert everything(source_of(gm.csv(path, header=None)))["V1"] == [1, 3, 5]
    with pytest.raises(DataError, match="the first row has 2 fields, header names 3 columns"):
        source_of(gm.csv(path, header=["a", "b", "c"]))


def test_faults_are_named_by_the_lines_of_the_file(written):
    text = "made by hand\na title, of two lines\na,b\n" + "1,2\n" * 20
    path = written(text + "1,2,3\n", "utf-8", False)
    with pytest.raises(DataError, match="line 24: 3 of 2 fields"):
        everything(source_of(gm.csv(path, header=2)))
    path = written(text + "1,x2\n", "utf-8", False)
    with pytest.raises(DataError, match="line 24: column 'b' holds 'x2'"):
        everything(source_of(gm.csv(path, header=2)))


def test_wide_characters_are_refused_unless_they_are_named(written):
    path = written("a,b\n1,2\n", "utf-16", False)
    with pytest.raises(DataError, match=r"is UTF-16; name its encoding \(utf-16\), or save it as UTF-8"):
        source_of(path)
    damaged = path.with_name("u.csv")
    damaged.write_bytes(path.read_bytes() + b"\x00\xd8")  # half of a pair
    with pytest.raises(DataError, match=r"'utf-16.*' codec can't decode"):
        source_of(gm.csv(damaged, encoding="utf-16"))


@pytest.mark.parametrize("size", range(8, 40))
def test_rows_are_cut_outside_quotes(written, size):
    text = 'a,b\n"x\ny",1\n\n"""q""\n",2\r\nß,3'
    path = written(text, "latin-1", False)
    (file,) = [unit.file for unit in source_of(gm.csv(path, encoding="latin-1")).units]
    quotes = raw_text.Quotes(file, in_blocks=True)
    pieces = [bytes(stream.read()) for stream in row_blocks(file, Dialect(encoding="latin-1"), size, quotes)]
    # a block of nothing but blank lines is left out
    assert b"".join(pieces).decode().replace("\n\n", "\n") == text.replace("\n\n", "\n")
    assert quotes.count == text.count('"')
    assert all(piece.count(b'"') % 2 == 0 and piece.endswith(b"\n") for piece in pieces[:-1])


def test_what_is_no_number_is_refused(written):
    path = written("a,b\n" + "1'000,1\n" * 50_000 + "1'x00,1\n" + "1'000,1\n" * 200_000, "utf-8", False)
    with pytest.raises(DataError, match="1x00"):
        everything(source_of(gm.csv(path, thousands="'")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": ";;"}, "sep must be one character of ASCII"),
        ({"decimal": ",", "sep": ","}, "sep, decimal and thousands must differ, found ',', ','"),
        ({"encoding": "rot13"}, "encoding 'rot13' is unknown"),
        ({"header": -1}, "header must be True, False, the number of lines before the names, or the names"),
        ({"header": "a"}, "header must be True, False"),
        ({"header": ["a", "a"]}, "each another; found \\['a', 'a'\\]"),
        ({"encoding": "latin-99"}, "encoding 'latin-99' is unknown"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(OptionError, match=message):
        gm.csv("t.csv", **options)


def test_options_go_with_csv_only(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1.0]}).to_parquet(path)
    with pytest.raises(DataError, match="is no CSV file, so options of CSV do not go with it"):
        source_of(gm.csv(path, sep=";"))


def test_text_in_another_encoding_says_so(written):
    path = written("a,b\nx,1\n" + "ü,2\n" * 5, "latin-1", False)
    with pytest.raises(DataError, match="are not UTF-8; save it as UTF-8, or name its encoding"):
        gm.ols("b ~ a", path)
    slope = gm.ols("b ~ a", gm.csv(path, encoding="latin-1")).coefficients[1]  # of ü beside x
    assert math.isclose(slope, 1.0, rel_tol=1e-12)


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(written, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK", 1000)
    path = written('a,b\n1,x\n2,"y\n' + "3,\u00fc\n" * 5000, "latin-1", False)
    with pytest.raises(DataError, match="line 3: a quote opens here and is never closed"):
        everything(source_of(gm.csv(path, encoding="latin-1")))


def test_a_compressed_file_is_unpacked_once(written, monkeypatch):
    unpacked = []
    native = raw_text.open_stream
    monkeypatch.setattr(row_blocks_module, "open_stream", lambda file: unpacked.append(file) or native(file))
    monkeypatch.setattr(raw_text, "open_stream", lambda file: pytest.fail("read beside the rows"))
    path = written("a,b\n" + "1,2\n" * 5000, "utf-8", True)
    assert len(everything(source_of(path))["a"]) == 5000
    assert len(unpacked) == 1


FIELDS = ["1", "2", "x", '"q"', '"a,b"', '"l\nm"', '""', '"say ""so"""', 'in"ch', 'a "b" c', '""x', '"x"y', '"\r\n"']
FAULTS = ['"', '"open', 'x""', ',"', '"""']


@pytest.mark.parametrize("seed", range(40))
def test_compressed_rows_are_those_of_the_plain_file(written, monkeypatch, seed):
    """Quotes, marks and line ends in any order, also where they make no sense: the same rows, or the same fault."""
    random = Random(seed)
    rows = [[random.choice(FIELDS) for _ in range(2)] for _ in range(40)]
    if seed % 2:
        random.choice(rows)[0] = random.choice(FAULTS)
    ends = random.choice(("\n", "\r\n", "\n\n"))
    text = "u,v" + ends + ends.join(map(",".join, rows)) + random.choice(("", ends))
    found = []
    for compressed in (False, True):  # the plain file is one block, the compressed one is cut everywhere
        monkeypatch.setattr(reader, "BLOCK", random.randrange(20, 300) if compressed else 2**20)
        path = written(text, "utf-8", compressed)
        try:
            found.append(everything(source_of(path)))
        except DataError as error:
            found.append(str(error).replace(path.name, "t"))
    assert found[0] == found[1]


def test_blocks_of_blank_lines(written, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK", 50)
    for text in ("u,v\n" + "\n" * 500 + "1,2\n", "\n" * 500 + "u,v\n1,2\n" + "\r\n" * 200, "u,v\r1,2\r" * 1):
        assert everything(source_of(written(text, "utf-8", True))) == {"u": [1], "v": [2]}
