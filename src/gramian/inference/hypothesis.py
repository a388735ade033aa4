"""Hypotheses as text: `x1 = x2, carrier[AA] - 2*x3 = 0` -> R b = q.

    text     := equation ("," equation)*
    equation := sum (("=" | "==") sum)*            a missing right side is zero; a chain is pairs of neighbours
    sum      := product (("+" | "-") product)*
    product  := factor (("*" | "/") factor)*       at most one of them may contain a coefficient
    factor   := ("+" | "-") factor | number | coefficient | "(" sum ")"

Names of coefficients contain commas, brackets and colons, so at every place the longest name that fits is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from gramian.errors import OptionError, did_you_mean
from gramian.typing import Matrix, Vector

# the look-ahead: digits that begin a name are no number
NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.])")
UNKNOWN = re.compile(r"(?:\([^()]*\)|\[[^\]]*\]|`[^`]*`|[^\s,=+\-*/()\[\]`])+")
FUNCTION = re.compile(r"(?:exp|log|sqrt)\(")
MAX_LENGTH, MAX_NESTING = 100_000, 50
WINDOW = 100  # characters of a long text that are repeated in an error


class NonlinearHypothesisError(OptionError):
    """A hypothesis that is not linear in the coefficients."""


@dataclass(frozen=True, slots=True)
class LinearExpression:
    """A linear expression in the coefficients.

    Attributes
    ----------
    factors : Mapping[int, float]
        Position of a coefficient -> its factor.
    constant : float
        The constant term.
    """

    factors: Mapping[int, float] = field(default_factory=dict)
    constant: float = 0.0

    def plus(self, other: LinearExpression, sign: float) -> LinearExpression:
        """The sum with another expression, or with `sign` -1 the difference."""
        total = dict(self.factors)
        for i, c in other.factors.items():
            total[i] = total.get(i, 0.0) + sign * c
        return LinearExpression(total, self.constant + sign * other.constant)

    def times(self, c: float) -> LinearExpression:
        """The expression multiplied by c."""
        return LinearExpression({i: c * v for i, v in self.factors.items()}, c * self.constant)


def hypotheses(
    text: str | Sequence[str], names: Sequence[str], aliased: Mapping[str, str] | None = None
) -> tuple[Matrix, Vector]:
    """The k hypotheses in a text as R b = q: R (k, p) and q (k,).

    Parameters
    ----------
    text : str or Sequence[str]
        Equations separated by commas, or several such texts.
    names : Sequence[str]
        (p,) names of the coefficients.
    aliased : Mapping[str, str], optional
        Coefficients that the data do not determine -> how they depend on others; they cannot be tested.

    Raises
    ------
    OptionError
        The text does not parse, or a name is not a coefficient.
    """
    texts = texts_of(text)
    equations = [equation for t in texts for equation in Parser(t, names, aliased or {}).read()]
    R, q = np.zeros((len(equations), len(names))), np.zeros(len(equations))
    for row, equation in enumerate(equations):
        R[row, list(equation.factors)] = list(equation.factors.values())
        q[row] = -equation.constant
    if not (np.isfinite(R).all() and np.isfinite(q).all()):
        raise OptionError(f"a number in '{', '.join(texts)[:WINDOW]}' is too large")
    return R, q


def texts_of(text: str | Sequence[str]) -> list[str]:
    """The texts of hypotheses. Raises OptionError for anything else, and for texts that are too long."""
    texts = [text] if isinstance(text, str) else list(text) if isinstance(text, Sequence) else []
    if not texts or not all(isinstance(t, str) for t in texts) or sum(map(len, texts)) > MAX_LENGTH:
        raise OptionError(
            f"a hypothesis is a text of at most {MAX_LENGTH:,} characters, as in 'x1 = x2', or a list of them"
        )
    return texts


class Parser:
    """Recursive descent parser of hypotheses; one method for each rule of the grammar."""

    def __init__(self, text: str, names: Sequence[str], aliased: Mapping[str, str]) -> None:
        self.text, self.names, self.aliased = text, names, aliased
        self.at, self.depth = 0, 0
        self.names_by_initial: dict[str, list[str]] = {}
        # longest first: `x[a]:z` must be tried before `x[a]`
        for name in sorted(names, key=len, reverse=True):
            self.names_by_initial.setdefault(name[:1], []).append(name)
        self.position = {name: i for i, name in enumerate(names)}

    def read(self) -> list[LinearExpression]:
        """All equations of the text."""
        equations = self.equation()
        while self.accept(","):
            equations += self.equation()
        if self.next_character():
            self.fail("expected an operator, '=' or ','")
        return equations

    def equation(self) -> list[LinearExpression]:
        """An equation as left side minus right side; a chain a = b = c as a - b and b - c."""
        start, sides = self.at, [self.sum()]
        while self.accept("="):
            self.at += self.text.startswith("=", self.at)  # written as ==
            sides.append(self.sum())
        pairs = zip(sides, sides[1:] or [self.constant(0.0)], strict=False)
        return [self.tested(left.plus(right, -1.0), start) for left, right in pairs]

    def tested(self, expression: LinearExpression, start: int) -> LinearExpression:
        """The expression without coefficients whose factor is zero. start : where its equation starts."""
        # x1 = x1 has a factor of zero: nothing to test
        factors = {i: c for i, c in expression.factors.items() if c}
        if not factors:
            raise OptionError(f"'{self.text[start : self.at].strip()[:WINDOW]}' contains no coefficient to test")
        return LinearExpression(factors, expression.constant)

    def sum(self) -> LinearExpression:
        """Products joined by `+` and `-`."""
        total = self.product()
        while sign := {"+": 1.0, "-": -1.0}.get(self.next_character()):
            self.at += 1
            total = total.plus(self.product(), sign)
        return total

    def product(self) -> LinearExpression:
        """Factors joined by `*` and `/`."""
        total = self.factor()
        while (operator := self.next_character()) in ("*", "/"):
            self.at += 1
            total = self.scaled(total, self.factor(), operator)
        return total

    def scaled(self, first: LinearExpression, second: LinearExpression, operator: str) -> LinearExpression:
        """A product or quotient of two expressions, at most one of which contains coefficients."""
        if operator == "/" and second.factors:
            raise NonlinearHypothesisError(
                f"only a number other than zero may stand after '/' in a linear hypothesis: '{self.text[:WINDOW]}'"
            )
        if operator == "/" and not second.constant:
            self.fail("only a number other than zero may stand after '/'")
        if operator == "/":
            return first.times(1.0 / second.constant)
        if first.factors and second.factors:
            raise NonlinearHypothesisError(
                f"two coefficients cannot be multiplied in a linear hypothesis: '{self.text[:WINDOW]}'"
            )
        return first.times(second.constant) if first.factors else second.times(first.constant)

    def factor(self) -> LinearExpression:
        """A number, a coefficient or a sum in parentheses, with its sign."""
        if (character := self.next_character()) and character in "+-":
            self.at += 1
            return self.deeper(self.factor).times(-1.0 if character == "-" else 1.0)
        name = self.name()
        if name is not None:
            return self.coefficient(self.position[name])
        if match := NUMBER.match(self.text, self.at):
            self.at = match.end()
            return self.constant(float(match.group()))
        if self.accept("("):
            inner = self.deeper(self.sum)
            if not self.accept(")"):
                self.fail("expected ')'")
            return inner
        return self.unknown()

    def coefficient(self, position: int) -> LinearExpression:
        """A coefficient."""
        return LinearExpression({position: 1.0})

    def constant(self, value: float) -> LinearExpression:
        """A number."""
        return LinearExpression({}, value)

    def deeper(self, read: Callable[[], LinearExpression]) -> LinearExpression:
        """Read one level deeper, under a bound on nesting."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.fail(f"a hypothesis may be nested {MAX_NESTING} levels deep")
        inner = read()
        self.depth -= 1
        return inner

    def name(self) -> str | None:
        """The longest name of a coefficient that begins here, also in backticks; None where none does."""
        for name in self.names_by_initial.get(self.next_character(), []):
            if self.text.startswith(name, self.at) and self.name_ends(self.at + len(name), name):
                self.at += len(name)
                return self.checked_name(name)
        closing = self.text.find("`", self.at + 1) if self.next_character() == "`" else -1
        quoted = self.text[self.at + 1 : closing] if closing > 0 else None
        if quoted in self.position:
            self.at = closing + 1
            return self.checked_name(quoted)
        return None

    def name_ends(self, end: int, name: str) -> bool:
        """Whether the name ends there, and is not the beginning of a longer one."""
        following = self.text[end : end + 1]
        word = name[-1:].isalnum() or name[-1:] in "_."
        return not following or (following not in "[(:`" and not (word and (following.isalnum() or following in "_.")))

    def checked_name(self, name: str) -> str:
        """The name; OptionError for a coefficient that the data do not determine."""
        if name in self.aliased:
            raise OptionError(
                f"'{name}' cannot be tested: the data do not determine it ({name} = {self.aliased[name] or 'unknown'})"
            )
        return name

    def unknown(self) -> NoReturn:
        """Raise OptionError for a name that is no coefficient."""
        match = UNKNOWN.match(self.text, self.at)
        if match is None:
            self.fail("expected a coefficient, a number or '('")
        if FUNCTION.match(self.text, self.at):
            raise NonlinearHypothesisError(f"'{self.text[:WINDOW]}' is not linear: it has a function")
        name = match.group().strip("`")
        hint = did_you_mean(name, self.names) or f"; the coefficients are {', '.join(self.names[:12])}"
        raise OptionError(f"no coefficient '{name[:WINDOW]}'{hint}")

    def next_character(self) -> str:
        """The next character that is not a space; empty at the end."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def accept(self, character: str) -> bool:
        """Move past this character if it comes next; whether it did."""
        accepted = self.next_character() == character
        self.at += accepted
        return accepted

    def fail(self, message: str) -> NoReturn:
        """Raise OptionError with the position in the text."""
        if self.next_character() == "^":
            raise NonlinearHypothesisError(f"'{self.text[:WINDOW]}' is not linear: it has a power")
        context = f"found '{self.text[self.at : self.at + 20]}'" if self.next_character() else "the text ends"
        raise OptionError(f"{message} at character {self.at + 1} of '{self.text[:WINDOW]}' ({context})")
