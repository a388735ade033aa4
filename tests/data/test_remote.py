"""Files of object stores: a store in memory, and files of this machine by their addresses."""

from __future__ import annotations

import io
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import gramian as gm
from data.reading import everything
from gramian.data.libraries.remote import without_secrets
from gramian.data.source import source_of
from gramian.errors import DataError, SchemaError

TABLE = pa.table({"x": [1.0, 2.0, None, 4.0, 7.0], "s": ["u", "v", "u", None, "w"], "y": [1.0, 3.0, 2.0, 5.0, 6.0]})


def parquet(table: pa.Table, file: Any) -> None:
    pq.write_table(table, file, row_group_size=2)


@pytest.fixture
def store() -> Any:
    """A store in memory, with the table in parts: Parquet by folders that are keys, and CSV."""
    system = fsspec.filesystem("memory")
    for number, part in enumerate([TABLE.slice(0, 3), TABLE.slice(3)]):
        with system.open(f"/b/k={number}/p.parquet", "wb") as file:
            parquet(part, file)
        with system.open(f"/c/p{number}.csv", "wb") as file:
            pc.write_csv(part, file)
    with system.open("/b/_SUCCESS", "wb") as file:
        file.write(b"done")
    yield system
    system.store.clear()


@pytest.mark.parametrize(
    "data",
    [
        "memory://b",
        "memory://b/*/*.parquet",
        ["memory://b/k=1/p.parquet", "memory://b/k=0/p.parquet"],
        "memory://c/*.csv",
    ],
)
def test_files_of_a_store_yield_the_table(store, data):
    source = source_of(data)
    assert everything(source, ["x", "s", "y"]) == TABLE.to_pydict()
    assert [entry.size for entry in source.inputs] == [
        store.size(entry.name.partition("://")[2]) for entry in source.inputs
    ]
    assert gm.ols("y ~ x", data).coefficients.tolist() == gm.ols("y ~ x", TABLE).coefficients.tolist()


def test_keys_of_folders_are_columns(store):
    with store.open("/t/k=3/p.csv", "wb") as file:
        pc.write_csv(TABLE, file)
    assert everything(source_of("memory://b"), ["k"])["k"] == [0, 0, 0, 1, 1]
    assert everything(source_of("memory://t/*/*.csv"), ["k"])["k"] == [3] * 5


@pytest.mark.parametrize(
    ("files", "used", "message"),
    [
        ({"a.parquet": ["y"], "b.parquet": ["y", "x"]}, "x", "column 'x' is in /m/b.parquet but not in /m/a.parquet"),
        ({"x=1/a.parquet": ["x", "y"], "x=2/a.parquet": ["x", "y"]}, "x", "'x' is both in the file and in the name of"),
        ({"a.parquet": ["x", "y", "y"]}, "y", "a.parquet: column 'y' occurs more than once"),
    ],
)
def test_columns_are_those_of_every_file(store, files, used, message):
    for path, names in files.items():
        with store.open(f"/m/{path}", "wb") as file:
            parquet(pa.Table.from_arrays([TABLE[name] for name in names], names), file)
    with pytest.raises(SchemaError, match=message):
        gm.ols(f"{used} ~ 1", "memory://m")


@pytest.mark.parametrize("data", ["memory://t", "memory://t/*/*.parquet", "memory://t/k=1/p.parquet"])
@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("_delta_log/00000.json", "belongs to the Delta table 't', .* deltalake.DeltaTable"),
        (".hoodie/hoodie.properties", "belongs to the Hudi table 't', whose log says which rows count"),
        ("metadata/00000-a.metadata.json", "belongs to the Iceberg table 't', .* pyiceberg"),
    ],
)
def test_files_of_a_table_are_refused(store, data, log, message):
    for path in ("t/k=1", "u/k=1"):
        with store.open(f"/{path}/p.parquet", "wb") as file:
            parquet(TABLE, file)
    with store.open(f"/t/{log}", "wb") as file:
        file.write(b"{}")
    with pytest.raises(DataError, match=message):
        source_of(data)
    assert source_of(data.replace("memory://t", "memory://u")).rows == TABLE.num_rows


def test_only_the_needed_columns_are_read(store, monkeypatch):
    wide = pa.table({f"x{j}": [float(i * j % 977) for i in range(20_000)] for j in range(20)})
    sink = io.BytesIO()
    pq.write_table(wide, sink, compression=None, use_dictionary=False)
    with store.open("/w/t.parquet", "wb") as file:
        file.write(sink.getvalue())
    read = count_bytes(store, monkeypatch)
    everything(source_of("memory://w/t.parquet"), ["x1", "x2", "x3"])
    assert sum(read) < 1.2 * 3 / 20 * len(sink.getvalue()) + 3 * 2**16  # and the footer, a few times


def count_bytes(store: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the pieces that are read from files of the store, from now on."""
    read: list[int] = []
    opened: Callable[..., Any] = store._open

    def counting(path: str, mode: str = "rb", **options: Any) -> Any:
        file = opened(path, mode, **options)

        class Counted(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                piece = super().read(size)
                read.append(len(piece))
                return piece

        return Counted(file.getvalue())

    monkeypatch.setattr(store, "_open", counting)
    return read


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_an_object_that_changes_between_passes_is_named(store, name):
    write = parquet if name.endswith("parquet") else pc.write_csv
    with store.open(f"/d/{name}", "wb") as file:
        write(TABLE, file)
    source = source_of(f"memory://d/{name}")
    with store.open(f"/d/{name}", "wb") as file:
        write(pa.concat_tables([TABLE, TABLE]), file)
    with pytest.raises(DataError, match=f"{name}: has changed while it was being read"):
        gm.ols("y ~ x", source)


def test_one_look_after_units_that_overlap_sees_a_change(store):
    source = source_of("memory://b/k=0/p.parquet")
    first, second = (unit.batches(["x"]) for unit in source.units)
    next(first), next(second)
    with store.open("/b/k=0/p.parquet", "wb") as file:
        parquet(TABLE, file)
    assert list(first) == []  # the other one is under way, and looks
    with pytest.raises(DataError, match="has changed while it was being read"):
        list(second)


def refusing() -> type[BaseHTTPRequestHandler]:
    """A store that nobody may read."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def test_credentials_that_are_missing_are_asked_for(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOME", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), refusing()) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"s3://b/t.parquet?endpoint_override=127.0.0.1:{server.server_port}&scheme=http"
        with pytest.raises(DataError, match=r"check the address and the credentials \(.*ACCESS_DENIED"):
            source_of(address)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("memory://b/none.parquet", "no such file or folder, or nothing matches the pattern"),
        ("nowhere://b/t.parquet", "'nowhere' is no protocol that is known"),
        (
            "s3://b/t.parquet?endpoint_override=127.0.0.1:9&scheme=http",
            "cannot be reached; check the address and the cred",
        ),
        (["memory://c/p0.csv", "memory://c/p0.csv"], "is named more than once"),
        (["memory://c/p0.csv", "t.csv"], "is no local path, and stands beside local ones"),
        (["memory://b/k=0/p.parquet", "memory://c/p0.csv"], "files of several formats"),
    ],
)
def test_what_cannot_be_read_is_named(store, data, message):
    with pytest.raises(DataError, match=message):
        source_of(data)


def test_a_protocol_that_needs_another_package_names_it(monkeypatch):
    def absent(scheme: str) -> Any:
        raise ImportError("SFTPFileSystem requires paramiko")

    monkeypatch.setattr(fsspec, "filesystem", absent)
    with pytest.raises(DataError, match=r"with the help of another package \(SFTPFileSystem requires paramiko\)"):
        source_of("sftp://127.0.0.1/t.parquet")


@pytest.mark.parametrize(
    ("address", "saved"),
    [
        ("s3://key:secret@b/t.parquet", "s3://b/t.parquet"),
        ("s3://b/*?access_key=a&scheme=http&secret_key=b", "s3://b/*?scheme=http"),
        ("s3://b/t.parquet?secret_key=b", "s3://b/t.parquet"),
        ("abfs://container@account/t.parquet", "abfs://container@account/t.parquet"),
        ("https://host/t.parquet?id=7", "https://host/t.parquet?id=7"),
    ],
)
def test_keys_in_an_address_are_not_saved(address, saved):
    assert without_secrets(address) == saved


def test_an_address_of_this_machine(tmp_path):
    parquet(TABLE, tmp_path / "t.parquet")
    assert everything(source_of((tmp_path / "t.parquet").as_uri())) == TABLE.to_pydict()
