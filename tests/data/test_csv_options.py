"""CSV as it is written elsewhere: the options of pandas, with the values that pandas reads."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pandas as pd
import pytest

import gramian as gm
from data.reading import everything
from gramian.data.csv import raw_text, reader
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
    found = everything(source_of(gm.csv(path, **options)))
    expected = pd.read_csv(path, **{"sep": ";" if text is GERMAN else ",", **options})
    assert list(found) == list(expected.columns)
    for name in found:
        assert list(map(plain, found[name])) == list(map(plain, expected[name].tolist())), name


def test_a_file_without_names(written):
    path = written("1,2\n3,4\n5,7\n", "utf-8", False)
    assert everything(source_of(gm.csv(path, header=False))) == {"V1": [1, 3, 5], "V2": [2, 4, 7]}


@pytest.mark.parametrize("size", range(8, 40))
def test_rows_are_cut_outside_quotes(written, size):
    text = 'a,b\n"x\ny",1\n\n"""q""\n",2\r\nß,3'
    path = written(text, "latin-1", False)
    (file,) = [unit.file for unit in source_of(gm.csv(path, encoding="latin-1")).units]
    quotes = raw_text.Quotes(file, in_blocks=True)
    pieces = [bytes(stream.read()) for stream in raw_text.row_blocks(file, "latin-1", size, quotes)]
    assert b"".join(pieces).decode() == text
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
        ({"encoding": "utf-16"}, "cannot be read here; save the file as UTF-8"),
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
