"""Sums that a database makes, beside its rows: time, and bytes that travel.

python benchmarks/databases.py duckdb [--rows N] [--columns K] [--repeats R]
python benchmarks/databases.py postgres [--rows N] [--columns K] [--repeats R] --url postgresql://user@/name?host=FOLDER

The server of the second has to be there; its socket is in FOLDER, and the table `gramian_benchmark` is made in it.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb

import gramian as gm

TABLE = "gramian_benchmark"
BUFFER = 1 << 16


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("database", choices=("duckdb", "postgres"))
    parser.add_argument("--rows", type=int)
    parser.add_argument("--columns", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--url")
    given = parser.parse_args()
    if given.database == "duckdb":
        on_duckdb(given.rows or 4_000_000, given.columns or 20, given.repeats)
    else:
        on_postgres(given.rows or 1_000_000, given.columns or 10, given.repeats, given.url)


def on_duckdb(rows: int, columns: int, repeats: int) -> None:
    connection = duckdb.connect()
    random = ", ".join(f"random() * {i + 1} AS x{i}" for i in range(columns))
    connection.execute(f"CREATE TABLE {TABLE} AS SELECT {random}, random() AS y FROM range({rows})")
    for used in (columns, 3):
        compare(connection, formula_of(used), f"DuckDB, {rows:,} rows x {used} columns", repeats)


def on_postgres(rows: int, columns: int, repeats: int, url: str) -> None:
    from adbc_driver_postgresql.dbapi import connect

    random = ", ".join(f"random() * {i + 1} AS x{i}" for i in range(columns))
    with connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        level = "'level ' || (random() * 20)::int AS g"
        cursor.execute(
            f"CREATE TABLE {TABLE} AS SELECT {random}, random() AS y, {level} FROM generate_series(1, {rows})"
        )
        cursor.execute(f"VACUUM ANALYZE {TABLE}")
    for used in (columns, 3):
        formula = f"{formula_of(used)} + g"
        with connect(url) as connection:
            compare(connection, formula, f"PostgreSQL by ADBC, {rows:,} rows x {used} columns + factor", repeats)
        with Counter(url) as counter:
            for pushdown in (True, False):
                with connect(counter.url) as connection:
                    before = counter.bytes
                    gm.ols(formula, gm.sql(connection, TABLE, pushdown=pushdown))
                    print(f"  {NAMES[pushdown]}: {counter.bytes - before:,} bytes from the server")


NAMES = {True: "sums by SQL", False: "rows by Arrow"}


def formula_of(columns: int) -> str:
    return "y ~ " + " + ".join(f"x{i}" for i in range(columns))


def compare(connection: Any, formula: str, title: str, repeats: int) -> None:
    """Medians of both ways, taken in turns so that other work of the machine slows both."""
    times: dict[bool, list[float]] = {True: [], False: []}
    fits = {}
    for pushdown in (True, False) * repeats:
        data = gm.sql(connection, TABLE, pushdown=pushdown)
        seconds, fits[pushdown] = timed(lambda data=data: gm.ols(formula, data))
        times[pushdown].append(seconds)
    print(title)
    for pushdown, name in NAMES.items():
        fit = fits[pushdown]
        each = ", ".join(f"{seconds:.2f}" for seconds in times[pushdown])
        print(f"  {name}: {median(times[pushdown]):.2f} s ({each}), {fit.passes} passes, {fit.digits.min():.1f} digits")


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    begin = perf_counter()
    result = call()
    return perf_counter() - begin, result


class Counter:
    """Counts bytes on their way from a server: a socket of its own before that of the server."""

    def __init__(self, url: str) -> None:
        (folder,) = parse_qs(urlsplit(url).query)["host"]
        self.server = next(Path(folder).glob(".s.PGSQL.*[0-9]"))
        self.folder = tempfile.TemporaryDirectory()
        self.url = url.replace(folder, self.folder.name)
        self.bytes = 0

    def __enter__(self) -> Counter:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder.name}/{self.server.name}")
        self.listener.listen()
        Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        self.folder.cleanup()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self.server))
            Thread(target=self._copy, args=(client, server, False), daemon=True).start()
            Thread(target=self._copy, args=(server, client, True), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        while data := source.recv(BUFFER):
            self.bytes += len(data) if counted else 0
            target.sendall(data)
        target.close()


if __name__ == "__main__":
    main()
