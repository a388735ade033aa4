"""Saved fits and Grams that were made by hand, with right check sums: refused, or of use.

Values of the manifest are exchanged for others of the same and of other kinds, taken out, repeated; arrays get NaN,
infinities, other signs, sizes, shapes and orders; the JSON itself is made odd. What is read all the same is used as
a user would; no certified number may be anything but finite.

    cd benchmarks && python -m attack.forged --size 100
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from attack.verdicts import RIGHT, SILENT, Verdict, main

import gramian as gm
from gramian.fit.gram.result import Gram
from gramian.serialize import file as store

ROWS = 80
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1e300, -0.5, 2**31, 2**63, 2**70, 10**400, [], {}, [[]], [None], ["x", "x"]),
    *("", "x", "f", "y", "nonsense", "\ud800", "\0", "a" * 5000, "__import__('os')", {"": 0}, [1, 2, 3]),
    *({"x": {"x": {"x": 1}}}, ["log", "x"], [1.5, "x", None]),
)
NUMBERS = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, -1e-308, 5e-324, 0.5, 2.0**53)
Parts = tuple[str, dict[str, Any], dict[str, Any]]


@cache
def data() -> dict[str, Any]:
    """Rows for every model."""
    rng = np.random.default_rng(2)
    x = rng.uniform(0.0, 3.0, ROWS)
    f, g = rng.choice(list("abc"), ROWS), rng.choice(list("pqrstu"), ROWS)
    z, y = rng.normal(size=ROWS), 1.0 + 2.0 * x + rng.normal(size=ROWS)
    n, b = rng.poisson(2.0, ROWS), (rng.random(ROWS) < 0.5).astype(float)
    return {"x": x, "z": z, "y": y, "f": f, "g": g, "n": n, "b": b, "twice": 2 * x, "w": rng.uniform(0.5, 2.0, ROWS)}


FITS: dict[str, Callable[[], Any]] = {
    "linear": lambda: gm.ols("y ~ x + twice + f", data(), vcov="HC1"),
    "linear, clusters": lambda: gm.ols("y ~ x*f", data(), vcov={"cluster": "g"}, weights="w"),
    "linear, absorbed": lambda: gm.ols("y ~ x + z | g", data()),
    "linear, splines": lambda: gm.ols("log(w) ~ ns(x, 3) + poly(z, 2) + scale(x)", data()),
    "ridge": lambda: gm.ridge("y ~ x + f", data(), 2.0),
    "path": lambda: gm.gram("y ~ x + z + f", data()).path()[1],
    "generalized": lambda: gm.glm("n ~ x + twice", data(), "poisson"),
    "generalized, two classes": lambda: gm.glm("b ~ x + f", data(), "binomial"),
    "curve": lambda: gm.curve("y ~ a + s * exp(k * x)", data(), {"a": 0.0, "s": 1.0, "k": 0.5}),
    "wide": lambda: gm.ols("y ~ x + z", data(), solver="iterative"),
    "Gram": lambda: gm.gram("y ~ x*f + poly(z, 2)", data()),
    "Gram, groups": lambda: gm.gram("y ~ x + z", data(), by="f"),
    "Gram, folds": lambda: gm.gram("y ~ x + z", data(), folds=3),
    "Gram, exact": lambda: gm.gram("y ~ x + z", data(), exact=True),
    "Gram, clusters": lambda: gm.gram("y ~ x + z", data(), cluster="g"),
}


@cache
def parts(name: str) -> Parts:
    """Kind, manifest and arrays of a saved result; it has to be of use before it is forged."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "saved"
        FITS[name]().save(path)
        try:
            used(gm.load(path))
        except gm.errors.GramianError as error:
            raise AssertionError(f"{name} is of no use before it is forged") from error
        return store.load(path)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def forged_manifest(rng: np.random.Generator, manifest: dict[str, Any], donor: dict[str, Any]) -> str:
    """Change one value, and say which."""
    paths = list(places(manifest))
    *path, key = paths[int(rng.integers(len(paths)))]
    inside = at(manifest, tuple(path))
    old, kind = inside[key], int(rng.integers(7))
    if kind == 0:
        del inside[key]
        return f"{[*path, key]} taken out"
    if kind == 1 and isinstance(inside, list):
        inside.insert(int(rng.integers(len(inside) + 1)), copy.deepcopy(old))
    elif kind == 2 and isinstance(inside, list):
        inside.reverse()
    elif kind == 3 and isinstance(old, int | float):
        inside[key] = rng.choice([old + 1, old - 1, -old, old * 2, float(old), old * 1e9]).item()
    elif kind == 4:
        others = list(places(donor))
        inside[key] = copy.deepcopy(at(donor, others[int(rng.integers(len(others)))]))
    elif kind == 5 and isinstance(inside, dict):
        inside[str(rng.choice(["x", "zz", "", "y", f"{key}2"]))] = copy.deepcopy(old)
    else:
        inside[key] = ODD[int(rng.integers(len(ODD)))]
    return f"{[*path, key]} from {str(old)[:60]} to {str(inside[key])[:60]}"


def forged_array(rng: np.random.Generator, arrays: dict[str, Any], donor: dict[str, Any]) -> str:
    """Change one array, and say which."""
    name = str(rng.choice(list(arrays)))
    array = arrays[name] = arrays[name].copy()
    flat, kind = array.reshape(-1), int(rng.integers(8))
    if kind <= 3 and flat.size:
        many = rng.integers(flat.size, size=int(rng.choice([1, 1, 2, flat.size])))
        with np.errstate(all="ignore"):
            flat[many] = (
                np.asarray(rng.choice(NUMBERS)).astype(array.dtype) if rng.random() < 0.7 else 0 - flat[many] * 1
            )
    elif kind == 4:
        arrays[name] = array[..., : array.shape[-1] // 2] if array.ndim else array
    elif kind == 5:
        arrays[name] = array.reshape(-1, 1) if array.ndim == 1 else flat
    elif kind == 6:
        rng.shuffle(flat)
    else:
        arrays[name if rng.random() < 0.5 else f"{name}/more"] = donor[str(rng.choice(list(donor)))]
    return f"array {name}, kind {kind}"


def odd_text(rng: np.random.Generator, text: str) -> str:
    """JSON that no writer makes."""
    where = text.index('"content"') + 12
    match int(rng.integers(7)):
        case 0:
            return text[:where] + '"deep": ' + "[" * 100_000 + "]" * 100_000 + "," + text[where:]
        case 1:
            return text[:where] + '"long": ' + "9" * 10_000 + "," + text[where:]
        case 2:
            return text.replace("1", "NaN", int(rng.integers(1, 4)))
        case 3:
            return text.replace("1", "1e999", int(rng.integers(1, 60)))
        case 4:
            return text[:where] + text[where:].replace('"x"', '"\\ud800"')
        case 5:
            return text[:where] + '"design": 1, "design": 2,' + text[where:]
        case _:
            place = int(rng.integers(len(text)))
            return text[:place] + chr(int(rng.integers(32, 127))) + text[place + 1 :]


def write(path: Path, parts: Parts, change: Callable[[str], str] = lambda text: text) -> None:
    """A file with right check sums, of any manifest."""
    kind, manifest, arrays = parts
    stored = {name: np.ascontiguousarray(a, store.DTYPES[a.dtype.name]) for name, a in arrays.items()}
    members = {name: store._described(a) for name, a in stored.items()}
    head = {"format": "gramian", "version": [1, 0], "kind": kind, "members": members, "content": manifest}
    with open(path, "xb+") as file:
        store._write(file, change(json.dumps(head, indent=1)).encode(), stored)


def used(result: Any) -> list[str]:
    """What a user does with what was read; wrong are numbers that are certified and not finite."""
    repr(result)
    if not isinstance(result, Gram):
        return certified(result)
    wrong = certified(result.ols(each=True)[result.groups[0]] if result.by else result.ols())
    result.condition  # noqa: B018
    gm.add(result, result, force=True)
    result.path() if not result.by else None
    return wrong


def certified(fit: Any) -> list[str]:
    """Call what a fit offers, and name what it certifies without having it."""
    str(fit.summary())
    fit.tidy()
    fit.predict(data())
    for name in ("to_dict", "glance", "conf_int"):
        method = getattr(fit, name, None)
        try:
            method() if method else None
        except gm.errors.GramianError:
            continue  # not every model has everything
    digits = np.asarray(getattr(fit, "digits", ()), float)
    odd = [
        name for name, b, d in zip(fit.names, fit.coefficients, digits, strict=False) if d > 0 and not np.isfinite(b)
    ]
    return [f"{odd} certified, not finite"] if odd else []


def attack_on(name: str) -> Callable[[int], Verdict]:
    """The attack on the file of one kind of result."""

    def attack(number: int) -> Verdict:
        rng = np.random.default_rng([41, number])
        kind, manifest, arrays = copy.deepcopy(parts(name))
        _, other, others = parts(list(FITS)[int(rng.integers(len(FITS)))])
        share, change = rng.random(), None
        if share < 0.55:
            what = "; ".join(forged_manifest(rng, manifest, other) for _ in range(int(rng.choice([1, 1, 2]))))
        elif share < 0.9:
            what = forged_array(rng, arrays, others)
        elif share < 0.97:
            change, what = (lambda text: odd_text(rng, text)), "odd JSON"
        else:
            kind = what = str(rng.choice(["gram", "linear", "glm", "curve", "", "../x"]))
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder) / "forged"
            try:
                write(path, (kind, manifest, arrays), change or (lambda text: text))
            except ValueError:
                return Verdict(RIGHT, "cannot be written")
            try:
                wrong = used(gm.load(path))
            except gm.errors.GramianError:
                raise
            except Exception as error:
                error.args = (f"{what}: {error}",)
                raise
        return Verdict(SILENT, f"{what}: {wrong}") if wrong else Verdict(RIGHT)

    return attack


ATTACKS = {f"forged: {name}": attack_on(name) for name in FITS}

if __name__ == "__main__":
    main(ATTACKS, __doc__ or "", 140)
