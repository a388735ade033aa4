"""Tables of Delta with features that no package here writes: a file of rows, and a log of one entry."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
TYPES = {"double": "double", "int64": "long", "string": "string"}


def write_table(path: Path, rows: pa.Table, feature: str, *, deleted: Sequence[int] = (), mapped: bool = False) -> Path:
    """The folder of a table that needs a feature of readers.

    deleted : rows that a deletion vector takes away. mapped : whether columns have other names in the file.
    """
    (path / "_delta_log").mkdir(parents=True)
    stored = [f"col-{at}" if mapped else name for at, name in enumerate(rows.column_names)]
    pq.write_table(rows.rename_columns(stored), path / "p.parquet")
    mapping = [
        {"delta.columnMapping.id": at, "delta.columnMapping.physicalName": name} if mapped else {}
        for at, name in enumerate(stored)
    ]
    fields = [
        {"name": name, "type": TYPES[str(kind)], "nullable": True, "metadata": known}
        for name, kind, known in zip(rows.column_names, rows.schema.types, mapping, strict=True)
    ]
    add: dict[str, Any] = {
        "path": "p.parquet",
        "partitionValues": {},
        "size": (path / "p.parquet").stat().st_size,
        "modificationTime": 0,
        "dataChange": True,
        "stats": json.dumps({"numRecords": rows.num_rows}),
    }
    if deleted:
        add["deletionVector"] = deletion_vector(deleted)
    actions = [
        {
            "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": [feature],
                "writerFeatures": [feature],
            }
        },
        {
            "metaData": {
                "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [],
                "configuration": {"delta.columnMapping.mode": "name"} if mapped else {},
                "createdTime": 0,
            }
        },
        {"add": add},
    ]
    (path / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))
    return path


def deletion_vector(rows: Sequence[int]) -> dict[str, Any]:
    """A deletion vector that stands in the log: a Roaring bitmap of one container of places, in the text of Z85."""
    places = b"".join(struct.pack("<H", row) for row in rows)
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16) + places
    content = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    padded = content + bytes(-len(content) % 4)
    words = [int.from_bytes(padded[at : at + 4], "big") for at in range(0, len(padded), 4)]
    text = "".join(Z85[word // 85**power % 85] for word in words for power in (4, 3, 2, 1, 0))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(content), "cardinality": len(rows)}
