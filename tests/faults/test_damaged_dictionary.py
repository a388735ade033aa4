"""Flipped bits in a dictionary-encoded column of a Parquet file without checksums: all rows, or an error."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pd
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.errors import DataError

ROWS = 2000
TRIALS = int(os.environ.get("GRAMIAN_FLIPS", "60"))  # flips of each reader


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "t.parquet"
    dice = np.random.default_rng(1)
    table = pa.table({"y": dice.normal(size=ROWS), "g": dice.choice(["a", "b", "c"], ROWS)})
    pq.write_table(table, path, compression="none", write_page_checksum=False)
    return path


@pytest.fixture(scope="module")
def fitted(sound: Path) -> Any:
    return gm.ols("y ~ g", sound)


READERS: dict[str, Callable[[Path, Any], int]] = {
    "factor": lambda path, fit: gm.ols("y ~ g", path).rows,
    "absorbed": lambda path, fit: gm.ols("y ~ 1 | g", path).rows,
    "clusters": lambda path, fit: gm.ols("y ~ 1", path, vcov={"cluster": "g"}).rows,
    "predict": lambda path, fit: int(np.isfinite(fit.predict(path)).sum()),
    "augment": lambda path, fit: fit.augment(path).num_rows,
    "dataset": lambda path, fit: gm.ols("y ~ g", pd.dataset(path)).rows,
    "dictionary dataset": lambda path, fit: gm.ols("y ~ g", _with_dictionaries(path)).rows,
    "groups": lambda path, fit: gm.fits("y ~ 1", path, by="g").rows,
}


def _with_dictionaries(path: Path) -> pd.Dataset:
    options = pd.ParquetReadOptions(dictionary_columns={"g"})
    return pd.dataset(path, format=pd.ParquetFileFormat(read_options=options))


def _flips(path: Path, seed: int) -> list[int]:
    """Numbers of bits: all of the dictionary page, and some of the pages after it."""
    chunk = pq.read_metadata(path).row_group(0).column(1)
    first, data, size = chunk.dictionary_page_offset, chunk.data_page_offset, chunk.total_compressed_size
    dice = random.Random(seed)
    levels, heads = range(8 * first, 8 * data), range(8 * data, 8 * (data + 40))
    levels, heads = (dice.sample(bits, min(TRIALS // 3, len(bits))) for bits in (levels, heads))
    return [
        *levels,
        *heads,
        *(dice.randrange(8 * data, 8 * (first + size)) for _ in range(TRIALS - len(levels) - len(heads))),
    ]


@pytest.mark.parametrize("reader", READERS)
def test_a_flipped_bit_never_loses_a_row(sound: Path, fitted: Any, tmp_path: Path, reader: str) -> None:
    content = sound.read_bytes()
    path = tmp_path / "t.parquet"
    refused = 0
    for bit in _flips(sound, list(READERS).index(reader)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            assert READERS[reader](path, fitted) == ROWS, bit
        except gm.errors.GramianError:
            refused += 1
    assert 0 < refused < TRIALS


def test_a_code_without_a_level_says_what_it_is() -> None:
    codes = pa.array([0, 1, 3, 2], pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b", "c"]), safe=False)
    frame = pa.table({"y": [1.0, 2.0, 3.0, 5.0], "g": column})
    with pytest.raises(DataError, match="the code 3 has no level: there are 3"):
        gm.ols("y ~ g", frame)


def test_a_footer_that_contradicts_its_pages(sound: Path, tmp_path: Path) -> None:
    """A definition level that says of all values that they are missing."""
    content = bytearray(sound.read_bytes())
    start = pq.read_metadata(sound).row_group(0).column(1).data_page_offset
    # 4 bytes of length, the header of a run of 2000 (2000 * 2 in base 128), and the level of the run
    at = content.index(bytes([3, 0, 0, 0, 0xA0, 0x1F, 1]), start)
    content[at + 6] = 0
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="column 'g' holds 2000 nulls, its footer says 0: it is damaged"):
        gm.ols("y ~ g", path)


@pytest.mark.parametrize("options", [{}, {"where": "x > 0"}], ids=["fit", "where"])
def test_a_row_group_of_another_type_than_the_file(tmp_path: Path, options: dict[str, Any]) -> None:
    """Asked for the statistics of such a column, Arrow ends the process: the file is refused before."""
    path, rng = tmp_path / "t.parquet", np.random.default_rng(1)
    table = pa.table({"x": rng.normal(size=40), "y": rng.normal(size=40)})
    pq.write_table(table, path, compression="none", use_dictionary=False)
    whole, double, nothing = path.read_bytes(), b"\x15\x0a\x19", b"\x15\x10\x19"  # the first two fields of a column
    assert whole.count(double) == table.num_columns
    path.write_bytes(whole.replace(double, nothing, 1))
    with pytest.raises(DataError, match="it is damaged"):
        gm.ols("y ~ x", path, **options)
