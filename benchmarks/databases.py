"""Sums that a database makes, beside its rows: time, and bytes that travel.

python benchmarks/databases.py duckdb [--rows N] [--columns K] [--repeats R]
python benchmarks/databases.py postgres [--rows N] [--columns K] [--repeats R] --url postgresql://user@/name?host=FOLDER

The server of the second has to be there; its socket is in FOLDER, and the table `gramian_benchmark` is made in it.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter, process_time
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
            title = f"PostgreSQL by ADBC, {rows:,} rows x {used} columns + factor"
            seconds = compare(connection, formula, title, repeats)
        with Counter(url) as counter:
            for pushdown in (True, False):
                with connect(counter.url) as connection:
                    before = counter.bytes
                    gm.ols(formula, gm.sql(connection, TABLE, pushdown=pushdown))
                    travelled = counter.bytes - before
                over = ", ".join(
                    f"{seconds[pushdown] + travelled / rate:.2f} s over {name}" for name, rate in NETWORKS.items()
                )
                print(f"  {NAMES[pushdown]}: {travelled:,} bytes from the server; with the time that they take, {over}")


NETWORKS = {"1 Gbit/s": 125e6, "100 Mbit/s": 12.5e6}  # bytes in a second
NAMES = {True: "sums by SQL", False: "rows by Arrow"}


def formula_of(columns: int) -> str:
    return "y ~ " + " + ".join(f"x{i}" for i in range(columns))


def compare(connection: Any, formula: str, title: str, repeats: int) -> dict[bool, float]:
    """Medians of both ways, taken in turns so that other work of the machine slows both."""
    times: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    fits = {}
    for pushdown in (True, False) * repeats:
        data = gm.sql(connection, TABLE, pushdown=pushdown)
        seconds, fits[pushdown] = timed(lambda data=data: gm.ols(formula, data))
        times[pushdown].append(seconds)
    print(title)
    for pushdown, name in NAMES.items():
        fit, (wall, client, server) = fits[pushdown], (median(each) for each in zip(*times[pushdown], strict=True))
        each = ", ".join(f"{seconds[0]:.2f}" for seconds in times[pushdown])
        print(f"  {name}: {wall:.2f} s ({each}), of processors {client:.2f} s here and {server:.2f} s in the server")
        print(f"    {fit.passes} passes, {fit.digits.min():.1f} digits")
    return {pushdown: median(seconds[0] for seconds in each) for pushdown, each in times.items()}


def timed(call: Callable[[], Any]) -> tuple[tuple[float, float, float], Any]:
    """Seconds by the clock, of this process, and of a server's processes on this machine."""
    begin = perf_counter(), process_time(), of_server()
    result = call()
    return tuple(end - at for end, at in zip((perf_counter(), process_time(), of_server()), begin, strict=True)), result


def of_server() -> float:
    """Processor time of all processes of PostgreSQL and of their children that have ended."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, fields = path.read_text().rpartition(") ")
            if name.endswith("(postgres"):
                ticks += sum(map(int, fields.split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


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
