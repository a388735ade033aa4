"""Several models in one formula: sw(), csw(), sw0(), csw0() and mvsw() right of the tilde and behind `|`, as fixest.

`y ~ a + csw(b, c) | sw(f, g)` stands for the right sides "a + b" and "a + b + c", each with f and with g absorbed.
Instruments, in brackets or behind a last `|`, are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, combinations, pairwise, product
from typing import Any, NamedTuple, NoReturn

from gramian.errors import FormulaError
from gramian.formula.functions import STEPWISE
from gramian.formula.syntax import Node
from gramian.formula.tokens import Token, formula_error

NOTHING = "none"  # the label of no absorbed factor
MAX_MODELS = 10_000  # right sides, and sets of absorbed factors, that a formula may stand for


class Summand(NamedTuple):
    """A part of a sum: its sign, and the texts that it stands for, of which an empty one adds nothing."""

    sign: str
    texts: tuple[str, ...]


def _subsets(texts: Sequence[str]) -> Iterator[str]:
    """All combinations, the empty one first."""
    return (" + ".join(chosen) for size in range(len(texts) + 1) for chosen in combinations(texts, size))


def _cumulated(texts: Sequence[str]) -> Iterator[str]:
    """The first, the first two, and so on."""
    return accumulate(texts, "{} + {}".format)


STEPS: Mapping[str, Callable[[Sequence[str]], Iterator[str]]] = {
    "sw": iter,
    "sw0": lambda texts: iter(["", *texts]),
    "csw": _cumulated,
    "csw0": lambda texts: iter(["", *_cumulated(texts)]),
    "mvsw": _subsets,
}


def parse_stepwise(
    text: str, tokens: Sequence[Token], parse: Callable[[str], Any], union: Callable[[Sequence[Any]], Any]
) -> Any:
    """Read a formula that stands for several: its terms and absorbed factors are those of all of them.

    The texts of right sides are without instruments.

    Parameters
    ----------
    text : str
        The text.
    tokens : sequence of Token
        Its tokens, among which some call of a stepwise function stands.
    parse : callable
        Reads the text of one model as a Formula.
    union : callable
        The terms of several right sides together.

    Raises
    ------
    FormulaError
        Where such a call is not a summand of its own, or stands among instruments.
    """
    source = _Source(text, tokens)
    parts = source.parts()
    outcome = text[: source.tilde]
    rights = dict.fromkeys(right or "1" for right in source.alternatives(parts[0]))
    formulas = [parse(f"{outcome}~ {right}") for right in rights]
    for formula in formulas:
        if formula.random:
            raise formula_error("random effects go with one model at a time", formula.text, formula.random[0].position)
    right_sides = tuple((right, formula.terms) for right, formula in zip(rights, formulas, strict=True))
    absorbed_sets: tuple[tuple[str, tuple[Node, ...]], ...] = ()
    if len(parts) > 1:
        absorbed_sets = tuple(
            (label or NOTHING, parse(f"{outcome}~ 1 | {label}").absorbed if label else ())
            for label in dict.fromkeys(source.alternatives(parts[1]))
        )
    terms = union([terms for _, terms in right_sides])
    absorbed = tuple(dict.fromkeys(name for _, names in absorbed_sets for name in names))
    one = replace(parse(f"{outcome}~ 1"), text=text, terms=terms, absorbed=absorbed)
    if (only := source.only_instruments()) is not None:
        one = replace(one, instruments=_parsed(only, text, parse).instruments)
    several = len(right_sides) > 1 or len(absorbed_sets) > 1
    return replace(one, right_sides=right_sides, absorbed_sets=absorbed_sets) if several else one


def _parsed(part: str, text: str, parse: Callable[[str], Any]) -> Any:
    """A part of a text, whose mistakes are shown in the text. part : with everything at its place."""
    try:
        return parse(part)
    except FormulaError as error:
        error.args = (str(error).replace(part.rstrip(), text), *error.args[1:])
        raise


class _Source:
    """The tokens of a formula, cut into its parts."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text, self.tokens = text, tokens
        self.depths = self._depths()
        tildes = [at for at, token in enumerate(tokens) if token.operator == "~"]
        if not tildes:
            raise formula_error("a formula needs '~' between the outcome and the terms, as in y ~ x", text, len(text))
        self.at, self.tilde = tildes[0], tokens[tildes[0]].position
        for at in range(self.at):
            if self._is_call(at):
                name = tokens[at].text
                self._fail(at, f"{name}() stands right of '~'; several outcomes are c(y1, y2)")
        self.later_tildes = [at for at in tildes[1:] if self.depths[at] == 0]
        self.instruments: list[range] = []  # tokens of instruments, with the brackets or the bar

    def parts(self) -> list[range]:
        """The tokens of the terms and, behind `|`, of the absorbed factors."""
        last = len(self.tokens) - 1
        bars = [at for at in range(self.at, last) if self.depths[at] == 0 and self.tokens[at].operator == "|"]
        if self.later_tildes:
            if not bars or bars[-1] > self.later_tildes[0]:
                self._fail(self.later_tildes[0], "instruments stand in brackets or behind a last '|': y ~ w | x ~ z")
            self._take_instruments(range(bars[-1], last))
            last = bars.pop()
        if len(bars) > 1:
            self._fail(bars[1], "'|' stands once, between the terms and the factors to absorb, as in y ~ x | firm")
        edges = [self.at, *bars, last]
        parts = [range(start + 1, stop) for start, stop in pairwise(edges)]
        for part, edge in zip(parts, edges, strict=False):
            if not part:
                self._fail(edge + 1, f"nothing stands right of '{self.tokens[edge].text}'")
        return parts

    def _take_instruments(self, part: range) -> None:
        """Instruments, which all models share. Raises FormulaError for a stepwise call among them."""
        for at in part:
            if self._is_call(at):
                self._fail(at, "all models share the instruments: write a formula for each set of them")
        self.instruments.append(part)

    def only_instruments(self) -> str | None:
        """The formula with nothing but the instruments, at their places, so that messages show these; None without."""
        if not self.instruments:
            return None
        characters = [*self.text[: self.tilde + 1], *" " * (len(self.text) - self.tilde - 1)]
        for number, part in enumerate(self.instruments):
            start, stop = self.tokens[part.start], self.tokens[part.stop].position
            characters[start.position : stop] = self.text[start.position : stop]
            if start.operator == "|" and number == 0:
                characters[self.tilde + 1] = "1"
            elif start.operator == "[" and number:
                sign = self.tokens[part.start - 1].position
                characters[sign] = self.text[sign]
        return "".join(characters)

    def alternatives(self, part: range) -> list[str]:
        """The texts that a part stands for, the last stepwise call varying fastest."""
        summands = list(self._summands(part))
        count = 1
        for summand in summands:
            count *= len(summand.texts)
        if count > MAX_MODELS:
            self._too_many(count)
        return [
            _joined(list(zip((s.sign for s in summands), texts, strict=True)))
            for texts in product(*(s.texts for s in summands))
        ]

    def _too_many(self, count: int) -> NoReturn:
        """Raise FormulaError for so many right sides."""
        raise FormulaError(f"the formula stands for {count:,} right sides; up to {MAX_MODELS:,} are possible")

    def _summands(self, part: range) -> Iterator[Summand]:
        """The parts of a sum."""
        signs = [at for at in part if self.depths[at] == 0 and self.tokens[at].operator in ("+", "-")]
        start, sign = part.start, "+"
        for end in [*signs, part.stop]:
            if start < end:
                if self.tokens[start].operator == "[" and sign == "+":
                    self._take_instruments(range(start, end))
                else:
                    yield self._summand(range(start, end), sign)
                sign = "+"
            if end < part.stop:
                sign = "+" if self.tokens[end].operator == sign else "-"  # a double minus is a plus
            start = end + 1

    def _summand(self, part: range, sign: str) -> Summand:
        """One summand: a text, or those of a stepwise call."""
        calls = [at for at in part if self._is_call(at)]
        if not calls:
            return Summand(sign, (self._slice(part),))
        name = self.tokens[calls[0]].text
        if calls[0] != part.start or self._closing(calls[0] + 1) != part.stop - 1 or sign == "-":
            self._fail(calls[0], f"{name}() stands alone between '+' signs, as in y ~ a + {name}(b, c)")
        if len(calls) > 1:
            self._fail(calls[1], f"{self.tokens[calls[1]].text}() cannot stand inside {name}()")
        inner = range(part.start + 2, part.stop - 1)
        commas = [at for at in inner if self.depths[at] == 1 and self.tokens[at].operator == ","]
        if name == "mvsw" and 2 ** (len(commas) + 1) > MAX_MODELS:
            self._too_many(2 ** (len(commas) + 1))
        edges = [inner.start - 1, *commas, inner.stop]
        arguments = [range(start + 1, stop) for start, stop in pairwise(edges)]
        for argument in arguments:
            if not argument:
                self._fail(argument.stop, f"an argument of {name}() is empty")
        return Summand(sign, tuple(dict.fromkeys(STEPS[name]([self._slice(a) for a in arguments]))))

    def _slice(self, part: range) -> str:
        """The text of some tokens."""
        return self.text[self.tokens[part.start].position : self.tokens[part.stop].position].strip()

    def _is_call(self, at: int) -> bool:
        """Whether a stepwise function is called here."""
        token = self.tokens[at]
        return token.kind == "name" and token.text in STEPWISE and self.tokens[at + 1].operator == "("

    def _closing(self, opening: int) -> int:
        """Index of the parenthesis that closes this one."""
        depth = self.depths[opening]
        later = range(opening + 1, len(self.tokens))
        closing = [at for at in later if self.tokens[at].operator == ")" and self.depths[at] == depth]
        if not closing:
            self._fail(opening, "this '(' is not closed")
        return closing[0]

    def _depths(self) -> list[int]:
        """Open parentheses around each token; a parenthesis itself stands outside."""
        depths, depth = [], 0
        for at, token in enumerate(self.tokens):
            depth -= token.operator in (")", "]")
            if depth < 0:
                self._fail(at, f"this '{token.text}' was not opened")
            depths.append(depth)
            depth += token.operator in ("(", "[")
        return depths

    def _fail(self, at: int, message: str) -> NoReturn:
        """Raise a FormulaError at a token."""
        raise formula_error(message, self.text, self.tokens[at].position)


def _joined(parts: Sequence[tuple[str, str]]) -> str:
    """A sum of texts with their signs; empty ones add nothing."""
    shown = [(sign, text) for sign, text in parts if text]
    first = "" if not shown or shown[0][0] == "+" else "-"
    return first + "".join(f" {sign} {text}" if i else text for i, (sign, text) in enumerate(shown))
