"""The closed list of functions that a formula may call, their signatures, and the powers in an expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np

from gramian.errors import FormulaError, did_you_mean
from gramian.formula.syntax import (
    COMBINE,
    Binary,
    Call,
    Flag,
    Name,
    Negative,
    Node,
    Number,
    Text,
    label,
    names,
    walk,
)
from gramian.models.curves import CURVES

# names that others have for our curves
OTHER_CURVE_NAMES = {
    **dict.fromkeys(("sigmoid", "expit", "inv_logit", "plogis"), "logistic"),
    **dict.fromkeys(("michaelis_menten", "hyperbola"), "michaelis"),
    **dict.fromkeys(("exponential_decay", "decay"), "exponential"),
    "bell": "gaussian",
}
MAX_DEGREE = 20  # of poly()
Degree: TypeAlias = Annotated[int, range(1, MAX_DEGREE + 1)]
MAX_POWER = 20  # total degree of a monomial
MAX_DF = 100  # columns of a spline


class MisuseError(ValueError):
    """A call that breaks the rules of its function.

    Attributes
    ----------
    message : str
        What is wrong.
    position : int
        Offset in the text of the formula.
    """

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.message, self.position = message, position


class ArgumentKind(NamedTuple):
    """What an argument may be: a test of its node, and the words for it in an error."""

    fits: Callable[[Node], bool]
    words: str


def is_whole_number(node: Node, largest: int) -> bool:
    """Whether a node is a literal integer from 1 to `largest`."""
    return isinstance(node, Number) and node.value.is_integer() and 1 <= node.value <= largest


def is_level(node: Node) -> bool:
    """Whether a node is a literal level: a text, a flag, or a number with or without a sign."""
    bare = node.operand if isinstance(node, Negative) else node
    return isinstance(bare, Number) or isinstance(node, Text | Flag)


def _is_numbers(node: Node) -> bool:
    """Whether a node is a number or c() of numbers, with or without signs."""
    parts = node.arguments if isinstance(node, Call) and node.function == "c" else (node,)
    return all(isinstance(p.operand if isinstance(p, Negative) else p, Number) for p in parts)


def _numbers(node: Node) -> tuple[Any, ...]:
    """The values of a number or of c() of numbers; none for anything else."""
    return literal_values(node) if _is_numbers(node) else ()


def _is_literals(node: Node) -> bool:
    """Whether a node is a literal, or c() of literals of one type."""
    parts = node.arguments if isinstance(node, Call) and node.function == COMBINE else (node,)
    kinds = {type(part.operand if isinstance(part, Negative) else part) for part in parts}
    return len(kinds) == 1 and kinds <= {Text, Flag, Number} and all(map(is_level, parts))


def _is_breaks(node: Node) -> bool:
    """Whether a node is c() of at least two different numbers."""
    values = literal_values(node) if _is_numbers(node) else ()
    return len(values) >= 2 and len({*values}) == len(values)


def literal_values(node: Node) -> tuple[Any, ...]:
    """The values of a literal, or of c() of literals."""
    match node:
        case Call():
            return tuple(v for part in node.arguments for v in literal_values(part))
        case Negative():
            return tuple(-v for v in literal_values(node.operand))
        case Number() | Text() | Flag():
            return (node.value,)
    raise TypeError(f"no literal: {node}")


EXPRESSION = ArgumentKind(lambda node: not isinstance(node, Text | Flag), "made of columns and numbers")
VALUE = ArgumentKind(lambda node: True, "an expression, a text or TRUE/FALSE")
BREAKS = ArgumentKind(_is_breaks, "two or more different numbers, as in cut(x, c(0, 18, 65, Inf))")
NUMBER = ArgumentKind(lambda node: len(_numbers(node)) == 1, "a number")
COLUMN = ArgumentKind(lambda node: isinstance(node, Name), "the name of a column")
DEGREE = ArgumentKind(
    lambda node: is_whole_number(node, MAX_DEGREE), f"a whole number from 1 to {MAX_DEGREE}, as in poly(x, 3)"
)
FLAG = ArgumentKind(lambda node: isinstance(node, Flag), "TRUE or FALSE, as in poly(x, 3, raw=TRUE)")
CONTRASTS = ("treatment", "sum", "helmert", "poly")
CONTRAST = ArgumentKind(
    lambda node: isinstance(node, Text) and node.value in CONTRASTS,
    f'one of {", ".join(repr(name) for name in CONTRASTS)}, as in C(x, contrast="sum")',
)
LABELS = ArgumentKind(
    lambda node: _is_literals(node) and all(isinstance(v, str) for v in literal_values(node)),
    'texts, as in labels=c("young", "old")',
)
LITERALS = (BREAKS,)  # kinds of which c() stands as an argument without a name
LEVEL = ArgumentKind(is_level, 'a text, a number or TRUE/FALSE, as in C(x, ref="b")')

IDENTITY_FUNCTIONS = ("I", "as_number")  # they do not change the values of a numeric column
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "log10": np.log10,
    "exp": np.exp,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "atan": np.arctan,
    "arctan": np.arctan,
    "I": np.asarray,  # the identity: inside it operators are arithmetic
    "as_number": np.asarray,  # the identity too: batches give dates as numbers
}
COUNT = ArgumentKind(lambda node: is_whole_number(node, MAX_DF), f"a whole number from 1 to {MAX_DF}, as in bs(x, 5)")
NUMBERS = ArgumentKind(_is_numbers, "numbers, as in knots=c(1, 2, 3)")
LEVELS = ArgumentKind(_is_literals, "a level or several of one type, as in i(t, ref=-1) or i(t, ref=c(-1, -9))")
COHORTS = ("sunab_period", "sunab_cohort")  # the two factors of sunab()
STRUCTURAL = ("i", "sunab", *COHORTS, "poly", "bs", "ns", "center", "scale", "factor", "C", "offset")
# parts of dates and times, as numbers, by Arrow (`rowwise.py`)
DATE_PARTS = ("year", "quarter", "month", "day", "wday", "yday", "hour", "minute", "second")
CHOICES = ("ifelse", "pmin", "pmax", "cut", *DATE_PARTS)
MAX_PARALLEL = 20  # arguments of pmin() and pmax()
OPTIONAL_POSITIONAL: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("pmin", "pmax"), tuple(f"x{i}" for i in range(3, MAX_PARALLEL + 1))),
    "i": ("by",),
    "bs": ("df",),
    "ns": ("df",),
}  # optional arguments that may be given by position
SPELLED = {"include.lowest": "include_lowest", "ref.c": "ref_c", "ref.p": "ref_p"}  # R's names of arguments
STEPWISE = ("sw", "csw", "sw0", "csw0", "mvsw")  # what stands for several models, in `stepwise`
# function -> required arguments, optional arguments
SIGNATURES: dict[str, tuple[dict[str, ArgumentKind], dict[str, ArgumentKind]]] = {
    **{name: ({"x": EXPRESSION}, {}) for name in FUNCTIONS},
    **{name: ({"x": EXPRESSION}, {}) for name in STRUCTURAL},
    "as_number": ({"x": COLUMN}, {}),
    "C": ({"x": EXPRESSION}, {"ref": LEVEL, "contrast": CONTRAST}),
    "poly": ({"x": EXPRESSION, "degree": DEGREE}, {"raw": FLAG}),
    "bs": ({"x": EXPRESSION}, {"df": COUNT, "degree": DEGREE, "knots": NUMBERS, "boundary": NUMBERS}),
    "ns": ({"x": EXPRESSION}, {"df": COUNT, "knots": NUMBERS, "boundary": NUMBERS}),
    "i": ({"x": EXPRESSION}, {"by": EXPRESSION, "ref": LEVELS, "ref2": LEVELS}),
    "sunab": ({"cohort": EXPRESSION, "period": EXPRESSION}, {"ref_c": LEVELS, "ref_p": LEVELS}),
    **{
        name: ({"cohort": EXPRESSION, "period": EXPRESSION}, {"ref": LEVELS, "low": NUMBER, "high": NUMBER})
        for name in COHORTS
    },
    "ifelse": ({"test": EXPRESSION, "yes": VALUE, "no": VALUE}, {}),
    "cut": ({"x": EXPRESSION, "breaks": BREAKS}, {"labels": LABELS, "right": FLAG, "include_lowest": FLAG}),
    **{
        name: (dict.fromkeys(("x1", "x2"), EXPRESSION), dict.fromkeys(OPTIONAL_POSITIONAL[name], EXPRESSION))
        for name in ("pmin", "pmax")
    },
    **{name: ({"x": COLUMN}, {}) for name in DATE_PARTS},
}
# arguments with these values are omitted from the label, so that poly(x, 2) and poly(x, 2, raw=FALSE) are one term
DEFAULTS: dict[tuple[str, str], Node] = {
    ("poly", "raw"): Flag(False),
    ("bs", "degree"): Number(3.0),
    ("C", "contrast"): Text("treatment"),
    ("cut", "right"): Flag(True),
    ("cut", "include_lowest"): Flag(False),
}


def signature(function: str, position: int = 0) -> tuple[dict[str, ArgumentKind], dict[str, ArgumentKind]]:
    """Required and optional arguments of a function; MisuseError where it is not in the list."""
    if function in SIGNATURES:
        return SIGNATURES[function]
    hint = _curve_hint(function) or did_you_mean(function, SIGNATURES) or ";"
    raise MisuseError(
        f"no function '{function}'{hint} there are {', '.join(name for name in SIGNATURES if name not in COHORTS)}",
        position,
    )


def parameters(function: str) -> dict[str, ArgumentKind]:
    """Arguments of a function that may be given by position."""
    required, optional = signature(function)
    return {**required, **{key: optional[key] for key in OPTIONAL_POSITIONAL.get(function, ())}}


def _curve_hint(function: str) -> str:
    """What to write for a function that is a named curve, or has another name there; empty for other functions."""
    curve = OTHER_CURVE_NAMES.get(function, function)
    if curve not in CURVES:
        return ""
    logistic = ", and probabilities as a generalized linear model with family='binomial'" if curve == "logistic" else ""
    return f"; it is a curve, fitted as y ~ {curve}(x) by curve{logistic}; as functions"


def checked(call: Call) -> Call:
    """A call in canonical form: arguments by position or name as the signature has them, defaults omitted.

    Calls that mean the same get the same label. Raises MisuseError for a wrong function or argument.
    """
    required, optional = signature(call.function, call.position)
    arguments = _bound_arguments(call, required, required | optional)
    for key, value in arguments.items():
        _check(call.function, key, (required | optional)[key], value)
    positional = [*required, *(key for key in OPTIONAL_POSITIONAL.get(call.function, ()) if key in arguments)]
    keywords = tuple(
        (key, arguments[key])
        for key in optional
        if key in arguments and key not in positional and arguments[key] != DEFAULTS.get((call.function, key))
    )
    return replace(call, arguments=tuple(arguments[key] for key in positional), keywords=keywords)


def _bound_arguments(
    call: Call, required: Mapping[str, ArgumentKind], parameters: Mapping[str, ArgumentKind]
) -> dict[str, Node]:
    """Name -> node of the arguments of a call; MisuseError for too many, unknown, repeated or absent ones."""
    positional = [*required, *OPTIONAL_POSITIONAL.get(call.function, ())]
    if len(call.arguments) > len(positional):
        extra = call.arguments[len(positional)].position
        raise MisuseError(f"{call.function}() takes {_count(required)}, found {len(call.arguments)}", extra)
    arguments = dict(zip(positional, call.arguments, strict=False))
    for written, value in call.keywords:
        key = SPELLED.get(written, written)
        if key not in parameters:
            message = f"{call.function}() does not know '{key}'{did_you_mean(key, parameters) or ';'} it takes"
            raise MisuseError(f"{message} {', '.join(parameters)}", value.position)
        if key in arguments:
            raise MisuseError(f"{call.function}() is given '{key}' twice", value.position)
        arguments[key] = value
    if absent := [key for key in required if key not in arguments]:
        raise MisuseError(f"{call.function}() takes {_count(required)}: '{absent[0]}' is missing", call.position)
    return arguments


def _count(required: Mapping[str, ArgumentKind]) -> str:
    """Number and names of the required arguments, for messages."""
    return f"{len(required)} argument{'s' * (len(required) > 1)} ({', '.join(required)})"


def _check(function: str, key: str, kind: ArgumentKind, value: Node) -> None:
    """Raise MisuseError where an argument is of the wrong kind or contains a structural function such as poly()."""
    for node in walk(value):
        if isinstance(node, Call) and node.function in STRUCTURAL:
            message = f"{node.function}() is a term of its own and cannot stand inside {function}()"
            raise MisuseError(message, node.position)
    if not kind.fits(value):
        raise MisuseError(f"'{key}' of {function}() must be {kind.words}", value.position)


def uses_as_number(node: Node) -> set[str]:
    """The columns inside as_number(): there, dates may be used."""
    return {
        name for call in walk(node) if isinstance(call, Call) and call.function == "as_number" for name in names(call)
    }


def bare(node: Node) -> Node:
    """An expression without the functions around it that do not change the values of a numeric column."""
    while isinstance(node, Call) and node.function in IDENTITY_FUNCTIONS:
        node = node.arguments[0]
    return node


def monomial(node: Node) -> dict[Node, int] | None:
    """Base -> power, for a product of positive integer powers such as I(x^2*z); None for anything else.

    A base is a column or a call of an elementwise function. Such products share their stored sums with other terms of
    the same variables. Raises FormulaError where the powers add up to more than 20.
    """
    powers = _powers(node)
    if powers is not None and sum(powers.values()) > MAX_POWER:
        raise FormulaError(f"{label(node)} has a power of {sum(powers.values())}; powers go up to {MAX_POWER}")
    return powers


def _powers(node: Node) -> dict[Node, int] | None:
    """`monomial` without the bound on the degree."""
    match node:
        case Call(function="I"):
            return _powers(node.arguments[0])
        case Name():
            return {node: 1}
        case Call() if node.function in FUNCTIONS:
            return {node: 1}
        case Binary(op="*"):
            return _product(_powers(node.left), _powers(node.right))
        case Binary(op="^", right=Number(value=power)) if power >= 1 and power.is_integer():
            return _power(_powers(node.left), int(power))
    return None


def _product(left: dict[Node, int] | None, right: dict[Node, int] | None) -> dict[Node, int] | None:
    """Powers of a product, from those of its factors."""
    if left is None or right is None:
        return None
    return left | {base: left.get(base, 0) + power for base, power in right.items()}


def _power(powers: dict[Node, int] | None, exponent: int) -> dict[Node, int] | None:
    """Powers of a power."""
    return powers and {base: power * exponent for base, power in powers.items()}
