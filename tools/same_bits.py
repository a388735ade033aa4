"""Whether two versions of the library give the same bits: fits of every kind, written down and compared.

`python tools/same_bits.py OUT.json` fits with the gramian that is installed and writes what came out;
`python tools/same_bits.py OLD.json NEW.json` names what differs, and exits with 1 where anything does.
Both files must come from one machine with one set of packages: other processors and other releases have other bits.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import answers
import fits
import tables
from case import Case
from written import Parts, written

GROUPS = (
    fits.linear, fits.precise, fits.grouped, fits.general, fits.curves, fits.wide, fits.sources, fits.dask,
    answers.stored, answers.asked, answers.lessons, answers.estimators, answers.commands,
)  # fmt: skip

os.environ.update(COLUMNS="160", NO_COLOR="1")  # tables are as wide as the terminal


def main(names: list[str]) -> int:
    """Write with one name, compare with two."""
    match names:
        case [out]:
            target = Path(out).resolve()
            found = measured()
            target.write_text(json.dumps(found, indent=1) + "\n")
            failed = [f"{name}: {parts['failed']}" for name, parts in found.items() if "failed" in parts]
            print("\n".join([f"{len(found)} entries, {len(failed)} of them failures", *failed]))
            return 0
        case [old, new]:
            changed = differences(json.loads(Path(old).read_text()), json.loads(Path(new).read_text()))
            print("\n".join(changed) or "the same bits")
            return int(bool(changed))
    print(__doc__)
    return 2


def measured() -> dict[str, Parts]:
    """Every case by name, run in a temporary folder with data that are made there."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        os.chdir(folder)
        found: dict[str, Parts] = {}
        try:
            for name, call in every(tables.write(folder)):
                if name in found:
                    raise ValueError(f"two cases are called {name}")
                found[name] = outcome(call, folder)
        finally:
            os.chdir(folder.parent)  # a folder that is worked in cannot be deleted everywhere
    return found


def every(data: tables.Data) -> Iterator[Case]:
    """All cases, their names with that of the group; a group may need the files of those before."""
    for group in GROUPS:
        for name, call in group(data):
            yield f"{group.__name__}: {name}", call


def outcome(call: Callable[[], object], folder: Path) -> Parts:
    """What a call gives, with its warnings; or how it fails, which is an answer as well."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            parts = written(call(), folder)
        except Exception as error:
            parts = {"failed": f"{type(error).__name__}: {error}".replace(str(folder), "")}
    told = sorted({f"{w.category.__name__}: {w.message}" for w in caught})
    return parts | ({"warnings": "; ".join(told)} if told else {})


def differences(old: dict[str, Parts], new: dict[str, Parts]) -> list[str]:
    """One line for each entry that differs: its name, and the parts that do."""
    lines = [f"{name}: only in the {'new' if name in new else 'old'} file" for name in old.keys() ^ new.keys()]
    for name in old.keys() & new.keys():
        a, b = old[name], new[name]
        if parts := sorted(part for part in a.keys() | b.keys() if a.get(part) != b.get(part)):
            lines.append(f"{name}: {', '.join(parts)}")
    return sorted(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
