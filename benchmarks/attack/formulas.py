"""Formula texts that nobody would write, under an audit hook: no file, no code, no process, no network by a formula.

Half of the texts are well formed models of a small table: the fit must have the residual sum of squares of the columns
that R would make of the terms, made here without gramian. The other half are mutations, fragments of Python and
noise, of which anything may be refused. Once ordinary fits have loaded what fits load, everything that Python audits
is forbidden but what a fit does: reading and importing its own libraries.

    cd benchmarks && python -m attack.formulas --size 1000
"""

from __future__ import annotations

import os
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import numpy as np
from attack.verdicts import RIGHT, SILENT, Verdict, main
from numpy.typing import NDArray

import gramian as gm

ROWS = 60
ALIKE = 1e-6
NUMERIC = {
    "x": lambda d: d["x"],
    "z": lambda d: d["z"],
    "log(w)": lambda d: np.log(d["w"]),
    "sqrt(w)": lambda d: np.sqrt(d["w"]),
    "I(x^2)": lambda d: d["x"] ** 2,
    "I(x*z)": lambda d: d["x"] * d["z"],
    "I((x - 1) / 2)": lambda d: (d["x"] - 1) / 2,
    "exp(-z)": lambda d: np.exp(-d["z"]),
    "abs(x)": lambda d: np.abs(d["x"]),
    "scale(z)": lambda d: d["z"] - d["z"].mean(),
    "I(sin(z) + w)": lambda d: np.sin(d["z"]) + d["w"],
    "`odd name`": lambda d: d["odd name"],
}
SEVERAL = {
    "poly(x, 2)": lambda d: list(np.linalg.qr(np.vander(d["x"], 3, increasing=True))[0].T[1:]),
    "poly(z, 3, raw=TRUE)": lambda d: [d["z"], d["z"] ** 2, d["z"] ** 3],
}
FACTORS = {"f": "f", "g": "g", "factor(n)": "n", 'C(f, ref="b")': "f", 'C(g, contrast="sum")': "g"}
SPECIAL = (
    "y ~ __import__('os').system('true')", "y ~ eval(x)", "y ~ exec('1')", "y ~ open(x)", "y ~ x.__class__",
    "y ~ (lambda: x)()", "y ~ I(().__class__.__bases__[0])", "y ~ `__import__('os')`", "y ~ @x", "y ~ x if z else w",
    "y ~ [x for x in z]", "y ~ $x", "y ~ !x", "y ~ %x%", "y ~ x %in% z", "y ~ x\0z", "y ~ x; import os", "y ~ {x}",
    "y ~ f'{x}'", "y ~ np.log(x)", "y ~ x := z", "y ~ x ** z", "y ~ x^2^3^4", "y ~ 1/0", "y ~ log(0)",
    "y ~ log(-1 * w)", "y ~ 1e999 * x", "y ~ I(x / 0)", "y ~ .", "y ~ . - x", "~", "", "y", "y ~", "~ x", "y ~ ~ x",
    "y ~ x ~ z", "y ~ x | f | g", "y ~ x || f", "y ~ 0", "y ~ -1", "y ~ 1", "y ~ y", "y ~ I(y)", "log(w) ~ x",
    "I(y + x) ~ x", "y ~ offset(x)", "y + x ~ z", "cbind(y, x) ~ z", "y ~ poly(x, 20)", "y ~ poly(x, 21)",
    "y ~ bs(x, 5)", "y ~ ns(z, 4):f", "y ~ bs(x, knots=c(0, 0))", "y ~ bs(x, knots=c(1e308, 2e308))",
    "y ~ poly(x, 1e9)", "y ~ poly(x, -1)",
)  # fmt: skip
PIECES = (
    "+", "-", "*", ":", "/", "^", "**", "~", "|", "(", ")", "((", "))", ",", "=", "==", "!=", "<", ">", "&", "%",
    "%in%", ".", "..", "'", '"', "`", "\\", "\n", "\t", "\r", "\0", " ", "#", "@", "$", "?", "!", "[", "]", "{", "}",
    ";", "0", "1", "2", "1e400", "1e-400", "0x10", "1_0", "9" * 30, "TRUE", "NaN", "Inf", "NULL", "None", "x", "z",
    "w", "f", "g", "n", "y", "q", "ü", "漢", "\u202e", "\ud800", "\u0301", "𝑥", "log(", "exp(", "sqrt(", "I(", "poly(",
    "bs(", "ns(", "C(", "factor(", "scale(", "center(", "offset(", "as_number(", "c(", "df=", "knots=", "degree=",
    "ref=", "contrast=", "boundary=", "raw=", "__import__('os')", "eval(", "exec(", "open(", ".__class__", "lambda:",
    "import os",
)  # fmt: skip
PLACES = (*sysconfig.get_paths().values(), sys.base_prefix, Path(gm.__file__).parents[1], Path(__file__).parents[1])
LIBRARIES = tuple({os.path.realpath(place) + os.sep for place in PLACES})
HARMLESS = ("object.__", "sys._getframe", "builtins.id", "gc.", "import", "_thread.start_")
LOADING = ("marshal.loads", "code.__new__", "os.listdir", "os.scandir", "sys.set_asyncgen_hooks", "ctypes.", "cpython.")


@cache
def table() -> dict[str, Any]:
    """Columns of every kind, and one with an odd name."""
    rng = np.random.default_rng(5)
    data: dict[str, Any] = {name: rng.normal(size=ROWS) for name in ("y", "x", "z", "odd name")}
    data["w"] = rng.uniform(0.5, 3.0, ROWS)
    data["f"], data["g"] = rng.choice(list("abc"), ROWS), rng.choice(["p", "q"], ROWS)
    return {**data, "n": rng.integers(0, 4, ROWS)}


@dataclass(slots=True)
class Watch:
    """What Python audits, while it is switched on; a hook can never be taken away."""

    on: bool = False
    seen: tuple[str, ...] = ()

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and current_thread() is main_thread() and not allowed(event, args):
            self.seen = (*self.seen, f"{event}{args!r}"[:200])
            raise PermissionError(f"forbidden: {event}")


WATCH = Watch()


def allowed(event: str, args: tuple[Any, ...]) -> bool:
    """Whether a fit does this: whatever else Python audits is forbidden."""
    if event == "open":
        return not isinstance(args[1], str) or (set(args[1]) <= set("rbt") and inside(args[0]))
    if event in ("exec", "compile"):
        code = args[0] if event == "exec" else None
        return inside(code.co_filename if code is not None else args[1])
    return event.startswith(HARMLESS) or (event.startswith(LOADING) and importing())


def inside(path: Any) -> bool:
    """Whether a file belongs to Python or its libraries; code that they generate themselves is named in brackets."""
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    text = os.fsdecode(path)
    generated = text.startswith("<frozen ") or (text in ("<string>", "<attrs generated>") and importing())
    return generated or os.path.realpath(text).startswith(LIBRARIES)


def importing() -> bool:
    """Whether an import is under way somewhere up the stack."""
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
    return False


@contextmanager
def watched() -> Iterator[Watch]:
    """The hook, after ordinary fits have loaded what they need."""
    install()
    WATCH.on, WATCH.seen = True, ()
    try:
        yield WATCH
    finally:
        WATCH.on = False


@cache
def install() -> None:
    """Add the hook, once in a process, and load what fits load."""
    sys.addaudithook(WATCH.hook)
    for formula in ("y ~ x*f + poly(z, 2)", "y ~ bs(x, 5) | g", "q ~ x", "y ~ x +", "y ~ ns(z, 3):f - 1"):
        fitted(formula)


def fitted(formula: str) -> Any:
    """The fit, or the refusal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return gm.ols(formula, table())
        except gm.errors.GramianError as error:
            str(error).encode(errors="surrogatepass")
            return error


def well_formed(rng: np.random.Generator) -> tuple[str, NDArray[np.float64]]:
    """A model and its columns."""
    data, terms, names = table(), [], []
    for _ in range(int(rng.integers(1, 5))):
        atoms = atoms_of(rng)
        power = rng.random() < 0.4 and len(atoms) > 1
        terms.append(("*" if power else ":").join(atoms))
        sizes = range(1, len(atoms) + 1) if power else (len(atoms),)
        names += [part for size in sizes for part in combinations(atoms, size)]
    intercept = bool(rng.random() < 0.75)
    space = (" ", "", "  ", "\n")[int(rng.choice(4, p=[0.7, 0.1, 0.1, 0.1]))]
    text = f"y{space}~{space}{'' if intercept else '0 + '}{f'{space}+{space}'.join(terms)}"
    return text, np.stack(model_columns(names, data, intercept), axis=1)


def atoms_of(rng: np.random.Generator) -> list[str]:
    """One to three different parts of a term."""
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
    kinds = rng.random(count)
    pools = [NUMERIC if kind < 0.55 else FACTORS if kind < 0.9 else SEVERAL for kind in kinds]
    return list(dict.fromkeys(str(rng.choice(list(pool))) for pool in pools))


def model_columns(terms: list[tuple[str, ...]], data: dict[str, Any], intercept: bool) -> list[NDArray[Any]]:
    """The columns of R's model matrix, or others of the same span.

    Terms stand in the order of their sizes. A factor has a column less than levels where its term without it is part
    of an earlier term; but the first factor has all where there is no intercept.
    """
    ordered = sorted(
        {frozenset(term): term for term in reversed(terms)}.values(), key=lambda term: (len(term), terms.index(term))
    )
    out, whole = [np.ones(ROWS)] if intercept else [], not intercept
    for place, term in enumerate(ordered):
        parts = []
        for atom in term:
            rest = set(term) - {atom}
            fewer = not rest or any(rest <= set(earlier) for earlier in ordered[:place])
            parts.append(columns_of(atom, data, fewer and not whole))
            whole = whole and atom not in FACTORS
        out += product(parts)
    return out


def columns_of(atom: str, data: dict[str, Any], fewer: bool) -> list[NDArray[Any]]:
    """Columns of one part of a term; of a factor one for each level, or one less."""
    if atom in NUMERIC:
        return [NUMERIC[atom](data)]
    if atom in SEVERAL:
        return SEVERAL[atom](data)
    values = data[FACTORS[atom]]
    levels = {level: (values == level).astype(float) for level in np.unique(values)}
    if not fewer:
        return list(levels.values())
    if "sum" in atom:
        *others, last = levels.values()
        return [other - last for other in others]
    return list({**levels, ("b" if "ref" in atom else min(levels)): np.zeros(ROWS)}.values())


def product(parts: list[list[NDArray[Any]]]) -> list[NDArray[Any]]:
    """All products of one column of each part."""
    out = [np.ones(ROWS)]
    for part in parts:
        out = [a * b for a in out for b in part]
    return out


def spanned(number: int) -> Verdict:
    """A well formed model against the least squares of the columns that R makes of its terms."""
    rng = np.random.default_rng([31, number])
    text, columns = well_formed(rng)
    with watched() as watch:
        fit = fitted(text)
    if watch.seen:
        return Verdict(SILENT, f"{text!r}: {watch.seen}")
    if isinstance(fit, gm.errors.GramianError):
        raise fit
    norms = np.linalg.norm(columns, axis=0)
    scaled = columns[:, norms > 0.0] / norms[norms > 0.0]
    y = table()["y"]
    right = y - scaled @ np.linalg.lstsq(scaled, y, rcond=1e-10)[0]
    off = abs(fit.deviance - right @ right) / (y @ y)
    return (
        Verdict(RIGHT)
        if off < ALIKE
        else Verdict(SILENT, f"{text!r}: rss {fit.deviance}, by R's columns {right @ right}")
    )


def mutated(number: int) -> Verdict:
    """Text in, around and between formulas; anything but a side effect may come of it."""
    rng = np.random.default_rng([37, number])
    text = noise(rng)
    with watched() as watch:
        fit = fitted(text)
    if watch.seen:
        return Verdict(SILENT, f"{text!r}: {watch.seen}")
    if isinstance(fit, gm.errors.GramianError):
        raise fit
    fit.summary()
    good = len(set(fit.names)) == len(fit.names) and fit.rows <= ROWS and fit.deviance >= 0.0
    return Verdict(RIGHT) if good else Verdict(SILENT, f"{text!r}: {fit.names}, rss {fit.deviance}")


def noise(rng: np.random.Generator) -> str:
    """A formula with pieces put in, taken out, exchanged or repeated; now and then nothing but pieces, or very deep."""
    kind = rng.random()
    if kind < 0.1:
        return "".join(rng.choice(PIECES, int(rng.integers(1, 12))).tolist())
    if kind < 0.13:
        depth = int(10 ** rng.uniform(1, 4))
        opening, closing = (("(", ")"), ("log(", ")"), ("-", ""), ("I(", ")"), ("x^(", ")"), ("x:", ""), ("x + ", ""))[
            int(rng.integers(7))
        ]
        return f"y ~ {opening * depth}x{closing * depth}"
    text = str(rng.choice(SPECIAL)) if kind < 0.4 else well_formed(rng)[0]
    for _ in range(int(rng.integers(0 if kind < 0.3 else 1, 4))):
        where, length = int(rng.integers(len(text) + 1)), int(rng.integers(0, 5))
        piece = str(rng.choice(PIECES)) if rng.random() < 0.7 else chr(int(rng.integers(1, 0x2FFF)))
        text = text[:where] + piece + text[where + length * int(rng.random() < 0.5) :]
    return text


ATTACKS = {"formulas, well formed": spanned, "formulas, mutated": mutated}

if __name__ == "__main__":
    main(ATTACKS, __doc__ or "", 1000)
