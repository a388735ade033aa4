"""CSV: types from a sample, nulls as pandas spells them, errors with their line."""

from __future__ import annotations

import datetime
import gzip
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from data.reading import count, everything
from gramian.data.csv import sample as csv_sample
from gramian.data.csv.raw_text import in_memory
from gramian.data.csv.sample import NULLS
from gramian.data.source import source_of
from gramian.errors import DataError, SchemaError
from gramian.schema import Kind


@pytest.fixture
def csv(tmp_path):
    def written(text: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def error(path: Path, columns: list[str] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        everything(source_of(path), columns)
    return str(caught.value)


def test_types(csv):
    source = source_of(
        csv(
            "i,f,b,d,t,h,s\n"
            "1,1.5,true,2020-01-01,2020-01-01 10:00:00,12:30,a\n"
            "2,2,False,2020-01-02,2020-01-02T11:00:00,12:31,2\n"
        )
    )
    assert [f.kind.value for f in source.schema.fields] == [
        "number",
        "number",
        "boolean",
        "date",
        "date",
        "text",
        "text",
    ]
    assert everything(source)["d"] == [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)]
    assert source.schema["i"].type == "int64"


@pytest.mark.parametrize("null", NULLS)
def test_nulls(csv, null):
    source = source_of(csv(f'x,s,b\n{null},{null},{null}\n"{null}","{null}","{null}"\n1,a,true\n'))
    assert everything(source) == {"x": [None, None, 1], "s": [None, None, "a"], "b": [None, None, True]}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\ufeffx,y\n1,a\n2,b\n", "t.csv"),
        ("x,y\r\n1,a\r\n2,b\r\n", "t.csv"),
        ("x,y\n1,a\n2,b", "t.csv"),
        ("x,y\n\n1,a\n\n2,b\n", "t.csv"),
        ("x;y\n1;a\n2;b\n", "t.csv"),
        ("x\ty\n1\ta\n2\tb\n", "t.csv"),
        ("x\ty\n1\ta\n2\tb\n", "t.tsv"),
        ('"x","y"\n"1","a"\n"2","b"\n', "t.csv"),
        ("x,y\n 1,a\n2 ,b\n", "t.csv"),
    ],
)
def test_dialects(csv, text, name):
    assert everything(source_of(csv(text, name))) == {"x": [1, 2], "y": ["a", "b"]}


def test_quoted_values_may_span_lines(csv):
    assert everything(source_of(csv('x,s\n1,"a\nb, ""c"""\n2,5" pipe\n'))) == {
        "x": [1, 2],
        "s": ['a\nb, "c"', '5" pipe'],
    }


def test_a_header_alone_is_no_rows(csv):
    for text in ("x,y\n", "x,y"):
        source = source_of(csv(text))
        assert source.schema.names == ("x", "y")
        assert everything(source) == {"x": [], "y": []}
        assert count(source) == 0


def test_a_row_of_another_width_that_is_not_utf8(csv):
    message = error(csv(b"x,y\n1,a\n2,\xff,3\n3,c\n"))
    assert message.startswith("t.csv, line 3: "), message  # and nothing is printed: an exception that is ignored fails


def test_messages(csv):
    assert error(csv("")) == "t.csv: is empty: there is not even a line with the names of the columns"
    assert error(csv("x,y\n1,a\n2\n")) == (
        "t.csv, line 3: 1 of 2 fields; complete the row, or quote values that hold a ','"
    )
    assert error(csv('x,y\n1,"a\nb"\n2,b,c\n')).startswith("t.csv, line 4: 3 of 2 fields")
    assert error(csv('x,y\n1,a\n2,"b\n3,c\n')) == "t.csv, line 3: a quote opens here and is never closed"
    assert (
        error(csv(b"x,y\n1,a\n2,\xff\n"))
        == "t.csv, line 3: the bytes b'\\xff' are not UTF-8; save it as UTF-8, or name its encoding"
    )
    assert error(csv(b"x,\xff\n1,a\n")).startswith("t.csv: the names of the columns cannot be read")
    message = "t.csv: is UTF-16; name its encoding (utf-16), or save it as UTF-8"
    assert error(csv("x,y\n1,2\n".encode("utf-16"))) == message
    assert error(csv(b"\x1f\x8b\x08\x00")) == "t.csv: is compressed; rename it so that it ends in .gz"


@pytest.fixture
def short_sample(monkeypatch):
    monkeypatch.setattr(csv_sample, "PIECE", 400)


def long(at: int, row: str, plain: str = "1,1.5,a,true,2020-01-01,", rows: int = 2000) -> str:
    return "i,f,s,b,d,n\n" + "".join((row if k == at else plain) + "\n" for k in range(rows))


@pytest.mark.usefixtures("short_sample")
@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1.5,1.5,a,true,2020-01-01,", "column 'i' holds '1.5', but int64 in a sample of the file"),
        ("99999999999999999999,1.5,a,true,2020-01-01,", "column 'i' holds '99999999999999999999', but int64"),
        ("1, x ,a,true,2020-01-01,", "column 'f' holds 'x', but double"),
        ("1,1.5,a,maybe,2020-01-01,", "column 'b' holds 'maybe', but bool"),
        ("1,1.5,a,true,2020-13-01,", "column 'd' holds '2020-13-01', but date32"),
        ("1,1.5,a,true,2020-01-01,7", "column 'n' holds '7', but nothing in a sample of the file"),
        ('1,1.5,"a\nb",maybe,2020-01-01,', "column 'b' holds 'maybe'"),
    ],
)
@pytest.mark.parametrize("parallel", [False, True])
def test_a_value_that_does_not_fit_is_told_with_its_line(csv, row, told, parallel):
    source = source_of(csv(long(700, row)))
    with pytest.raises(DataError) as caught:
        list(source.units[0].batches(source.schema.names, parallel=parallel))
    assert str(caught.value).startswith(f"t.csv, line 702: {told}")
    assert str(caught.value).endswith("or store the table as Parquet, where types are declared")


@pytest.mark.usefixtures("short_sample")
def test_a_value_that_does_not_fit_matters_only_when_used(csv):
    source = source_of(csv(long(700, "oops,1.5,a,true,2020-01-01,")))
    assert len(everything(source, ["f"])["f"]) == 2000


@pytest.mark.usefixtures("short_sample")
@pytest.mark.parametrize("at", [0, 1000, 1999])
def test_head_middle_and_tail_are_sampled(csv, at):
    source = source_of(csv(long(at, "1.5,1.5,a,true,2020-01-01,x")))
    assert source.schema["i"].type == "double"
    assert source.schema["n"].kind is Kind.TEXT


@pytest.mark.usefixtures("short_sample")
def test_a_piece_that_may_begin_within_quotes_is_not_trusted(csv):
    quoted = '1,"' + "2,3\n" * 400 + '"\n'
    source = source_of(csv("x,s\n" + "1,a\n" * 300 + quoted + "1,a\n" * 300))
    assert source.schema["x"].type == "int64"
    assert source.schema["s"].kind is Kind.TEXT
    assert count(source, ["x"]) == 601


def test_integers_too_large_for_64_bits_stay_text(csv):
    source = source_of(csv("k,f\n123456789012345678901,1e300\n2,2\n"))
    assert everything(source) == {"k": ["123456789012345678901", "2"], "f": [1e300, 2.0]}


def test_a_name_that_occurs_twice(csv):
    source = source_of(csv("x,x,y\n1,2,3\n"))
    assert everything(source, ["y"]) == {"y": [3]}
    with pytest.raises(SchemaError, match="column 'x' occurs more than once"):
        source.schema["x"]


@pytest.mark.parametrize("rows", [10, 2_000_000])
def test_a_quote_that_is_never_closed_swallows_nothing(csv, rows):
    source = source_of(csv("x,y\n1,a\n" + '2,"b\n' + "3,c\n" * rows))
    with pytest.raises(DataError, match=r"t.csv, line 3: a quote opens here and is never closed"):
        count(source, ["x"])


def test_a_column_that_is_read_alone_still_finds_short_rows(csv):
    with pytest.raises(DataError, match=r"t.csv, line 3: 1 of 2 fields"):
        count(source_of(csv("x,y\n1,a\n2\n")), ["x"])


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_arrow_is_handed_no_file_of_python(csv, monkeypatch, name):
    """Its threads may let go of a stream while the interpreter ends: with a file of Python, the process aborts."""
    handed = []

    def spied(opened):
        return lambda stream, *options, **more: handed.append(stream) or opened(stream, *options, **more)

    for function in ("open_csv", "read_csv"):
        monkeypatch.setattr(pyarrow.csv, function, spied(getattr(pyarrow.csv, function)))
    text = b"x,y\n1,a\n2,b\n"
    assert everything(source_of(csv(gzip.compress(text) if name.endswith(".gz") else text, name)))["x"] == [1, 2]
    assert len(handed) >= 2
    assert all(isinstance(stream, pa.NativeFile) and not isinstance(stream, pa.PythonFile) for stream in handed)


def test_bytes_that_arrow_parses_are_its_own():
    text = b"x\n1\n" * 10
    references = sys.getrefcount(text)
    stream = in_memory(text)
    assert sys.getrefcount(text) == references
    assert stream.read() == text


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_reading_may_stop_before_the_end_and_begin_again(csv, name):
    text = b"x,y\n" + b"1,a\n" * 3_000_000
    source = source_of(csv(gzip.compress(text, compresslevel=1) if name.endswith(".gz") else text, name))
    batches = source.units[0].batches(source.schema.names)
    assert next(batches).rows
    batches.close()
    assert count(source) == 3_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_no_text(csv):
    assert everything(source_of(csv("x\n1\n", os.fsdecode(b"\xff.csv")))) == {"x": [1]}


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("last", ['3,"c', '3,"c\n', '3,"c\n4,d\n5,e'])
def test_a_quote_that_is_never_closed_near_the_end(csv, name, last):
    text = ("x,y\n" + '1,"a"\n' * 1000 + last).encode()
    path = csv(gzip.compress(text) if name.endswith(".gz") else text, name)
    with pytest.raises(DataError, match=r"line 1002: a quote opens here and is never closed"):
        count(source_of(path), ["x"])


ROWS = "".join(f"{i},{i * i % 7},{'uv'[i % 2]}\n" for i in range(20))
LONG = '1,2,"' + "u" * 3_300_000 + '"\n'  # longer than the sample of a file


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("x,y,f\n" + "\n" * 4_000_000 + ROWS, 20),
        ("x,y,f\r\n" + "\r\n" * 4_900_000 + ROWS, 20),
        ("\n" * 4_000_000 + "x,y,f\n" + ROWS, 20),
        ("x,y,f\n" + LONG + ROWS, 21),
        ("\ufeff" + "\n" * 4_000_000 + "x,y,f\n" + "\n" * 4_000_000 + LONG + ROWS, 21),
        ("x,y,f\n" + "\n" * 9_000_000, 0),
        (
            "x,y,"
            + ",".join(letter * 100_000 for letter in "abcdefghijklm")
            + "\n"
            + ROWS.replace("\n", "," * 12 + "\n"),
            20,
        ),
    ],
    ids=["blank", "blank of Windows", "blank before", "long", "all", "nothing else", "long header"],
)
def test_rows_far_behind_the_header_are_read(csv, tmp_path, text, rows, name):
    path = csv(gzip.compress(text.encode(), 1) if name.endswith("gz") else text, name)
    source = source_of([path, csv("x,y\n1,2\n", "u.csv")])
    assert count(source, ["x", "y"]) == rows + 1
    assert source.schema["x"].type == "int64"


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_file_is_empty_only_when_all_of_it_is_blank(csv, name):
    text = b"\n" * 9_000_000
    assert "is empty" in error(csv(gzip.compress(text, 1) if name.endswith("gz") else text, name))


@pytest.mark.parametrize("quote", ['"', ""], ids=["quoted", "bare"])
def test_a_line_that_is_too_long_is_no_open_quote(csv, quote):
    line = f"1,2,{quote}{'u' * 9_000_000}{quote}\n"
    message = "t.csv, line 22: the line is longer than 8 MB; is it really a CSV file?"
    assert error(csv("x,y,f\n" + ROWS + line + ROWS)) == message
