"""Parquet in an object store, of which three of twenty columns are read: bytes that travel, and time beside polars.

python benchmarks/object_store.py [--only NAME]... [--rounds N] [--quick] [--json FILE]

The store is `moto_server` on the loopback (pip install 'moto[server]'), started and ended by this command.
"""

from __future__ import annotations

import atexit
import io
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.request import Request, urlopen

import pyarrow.parquet as pq
from command import Program, main
from findings import Finding, check
from problems import WIDTH, Sizes, doubles
from runner import Bar, Contender, Race

import gramian as gm
from gramian.data.source import source_of

FORMULA = "y ~ x0 + x1"
COLUMNS = ["y", "x0", "x1"]
OBJECTS = 16
GROUPS = 4  # row groups of an object
MOST = 1.2  # times the bytes of the columns
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
QUIET = {"AWS_EC2_METADATA_DISABLED": "true"}  # nobody is asked for credentials
BUFFER = 1 << 16
SKIPPED = "moto_server is not installed: pip install 'moto[server]'"


@cache
def server() -> int:
    """The port of a server that ends with this process."""
    os.environ.update(KEYS | QUIET)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    found = shutil.which("moto_server")
    if found is None:
        raise SystemExit(SKIPPED)
    running = subprocess.Popen(
        [found, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    atexit.register(running.terminate)
    end = monotonic() + 60.0
    while monotonic() < end:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return port
        sleep(0.1)
    raise SystemExit("moto_server did not start within a minute")


@cache
def bucket(rows: int) -> int:
    """A bucket with the table in several objects; the bytes of its three columns."""
    table, each, stored = pq.read_table(doubles(rows)), rows // OBJECTS, 0
    put(f"rows-{rows}", b"")
    for at in range(OBJECTS):
        sink = io.BytesIO()
        pq.write_table(table.slice(at * each, each), sink, row_group_size=-(-each // GROUPS))
        put(f"rows-{rows}/{at:02}.parquet", sink.getvalue())
        footer = pq.read_metadata(sink)
        groups = map(footer.row_group, range(footer.num_row_groups))
        chunks = [group.column(j) for group in groups for j in range(footer.num_columns)]
        stored += sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema in COLUMNS)
    return stored


def put(path: str, content: bytes) -> None:
    """Make a bucket or an object by a request of its own: this server minds no signatures."""
    headers = {"Content-Type": "application/octet-stream"}
    urlopen(Request(f"http://127.0.0.1:{server()}/{path}", content, headers, method="PUT"), timeout=300).close()


def address(rows: int, port: int) -> str:
    return f"s3://rows-{rows}/*.parquet?endpoint_override=127.0.0.1:{port}&scheme=http"


def race(sizes: Sizes) -> Race:
    """A fit of three columns, beside polars that reads the same columns, and nothing more."""
    rows, port = sizes.parquet, server()
    bucket(rows)
    return Race(
        "s3",
        f"3 of {WIDTH + 1} columns, {rows:,} rows in {OBJECTS} objects of S3 on the loopback",
        [
            Contender("gramian: fit", lambda: gm.ols(FORMULA, address(rows, port)).coefficients),
            Contender("polars: columns in memory", lambda: scanned(rows, port).collect().height),
        ],
        [Bar("gramian: fit", "polars: columns in memory", 1.0)],
    )


def scanned(rows: int, port: int) -> Any:
    import polars as pl

    options = {"aws_endpoint_url": f"http://127.0.0.1:{port}", "aws_region": "us-east-1", "aws_allow_http": "true"}
    options |= {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return pl.scan_parquet(f"s3://rows-{rows}/*.parquet", storage_options=options).select(COLUMNS)


def travelled(sizes: Sizes, rounds: int) -> Finding:
    """Bytes that the server sends for one pass, and for a fit: its first look is another row group."""
    rows = sizes.parquet
    stored = bucket(rows)
    counted = {}
    with Counter(server()) as counter:
        work = {
            "gramian: one pass": lambda: one_pass(address(rows, counter.port)),
            "gramian: fit": lambda: gm.ols(FORMULA, address(rows, counter.port)),
            "polars: columns in memory": lambda: scanned(rows, counter.port).collect(),
        }
        for name, run in work.items():
            before = counter.sent
            run()
            counted[name] = counter.sent - before
    ratio = counted["gramian: fit"] / stored
    return Finding(
        f"s3: bytes for 3 of {WIDTH + 1} columns, {rows:,} rows in {OBJECTS} objects; the columns have {stored:,}",
        ("what", "bytes from the server", "times the columns"),
        [(name, f"{count:,}", f"{count / stored:.3f}") for name, count in counted.items()],
        [check("bytes of a fit", f"{ratio:.3f} times the columns", f"at most {MOST:g}", ratio <= MOST)],
        details={"stored": stored, "counted": counted},
    )


def one_pass(data: str) -> int:
    return sum(batch.rows for unit in source_of(data).units for batch in unit.batches(COLUMNS))


class Counter:
    """Counts bytes on their way from a server: a port of its own before that of the server."""

    def __init__(self, behind: int) -> None:
        self.behind, self.sent = behind, 0

    def __enter__(self) -> Counter:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                behind = socket.create_connection(("127.0.0.1", self.behind))
                Thread(target=self._copy, args=(client, behind, False), daemon=True).start()
                Thread(target=self._copy, args=(behind, client, True), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError), target:
            while data := source.recv(BUFFER):
                self.sent += len(data) if counted else 0
                target.sendall(data)


PROGRAM = Program("object_store", "Three of twenty columns from an object store.", {"s3": race}, {"bytes": travelled})

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
