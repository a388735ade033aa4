"""Parser of formulas: text -> syntax tree, with the place of every mistake. Nothing is ever evaluated.

Recursive descent; the grammar is that of G. N. Wilkinson and C. E. Rogers, Symbolic description of factorial models for
analysis of variance, Applied Statistics 22 (1973), 392-399, with R's spelling::

    formula  = outcome "~" terms ["|" factor {"+" factor}] ["|" first]      with sw() and the like: `stepwise`
    outcome  = expression | "c(" expression {"," expression} ")"
    terms    = [sign] crossing {sign crossing}
    first    = terms "~" terms            also among the terms, as "[" first "]"
    random   = "(" terms ("|" | "||") column {":" column} ")"      among the terms
    crossing = power {(":" | "*" | "/") power}
    power    = term ["^" integer]
    term     = "(" terms ")" | "0" | "1" | "." | column | call
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn, TypeAlias, TypeGuard

from gramian.errors import FormulaError
from gramian.formula.arithmetic import ANY, expression, lags, named, number, unary
from gramian.formula.functions import COHORTS, FUNCTIONS, STEPWISE, STRUCTURAL, is_whole_number, monomial
from gramian.formula.syntax import (
    COMBINE,
    MAX_HEIGHT,
    PAIRED,
    PRECEDENCE,
    Binary,
    Call,
    Instruments,
    Name,
    Negative,
    Node,
    Number,
    RandomTerms,
    label,
    names,
    walk,
)
from gramian.formula.tokens import SPECIAL, Cursor, cursor_at_start, formula_error
from gramian.schema import LAGS

MAX_POWER = 10
SEPARATORS = "+", "-", ""  # what may follow a simple term; the text of the end token is empty
NESTED = (
    "nested or crossed groupings are not available: the groups of a model are those of one column, as in (1 | firm), "
    "or of the combinations of several, as in (1 | firm:year)"
)
CROSSINGS = {"*": 1, "/": 1, ":": 2}  # precedence


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`: all columns that the outcome, the absorbed factors and the weights do not use."""

    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms that are added (True) or removed (False), in order."""

    parts: tuple[tuple[bool, Terms], ...]


@dataclass(frozen=True, slots=True)
class Cross:
    """Terms crossed with terms; `op` is one of `:` `*` `/`."""

    op: str
    left: Terms
    right: Terms


@dataclass(frozen=True, slots=True)
class Power:
    """A sum of terms crossed with itself: (a + b + c)^2 has all interactions of up to two of them."""

    base: Terms
    exponent: int


Terms: TypeAlias = Name | Call | Number | Dot | Sum | Cross | Power


def leaves(tree: Terms) -> Iterator[Name | Call | Number | Dot]:
    """What the terms are made of, without the operators between them."""
    waiting: list[Terms] = [tree]  # a stack instead of recursion: generated formulas may be deep
    while waiting:
        match waiting.pop():
            case Sum(parts):
                waiting.extend(part for _, part in parts)
            case Cross(_, left, right):
                waiting.extend((left, right))
            case Power(base):
                waiting.append(base)
            case leaf:
                yield leaf


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as written; the terms are not expanded yet.

    Attributes
    ----------
    text : str
        The text, for errors.
    outcome : Node
        An expression, or a call of c() with several.
    terms : Terms
        The right side up to `|`.
    absorbed : tuple of Node
        Right of `|`: factors whose effects are partialled out and not reported, each a column, or a call of `PAIRED`
        for the combinations of several.
    instruments : Instruments or None
        Endogenous terms and their instruments, as in `y ~ w + [x ~ z]` or `y ~ w | firm | x ~ z`; `terms` are without
        them.
    right_sides, absorbed_sets : tuple of (str, ...)
        Of a formula with sw() and the like, which stands for several: text and terms of each right side, text and
        columns of each set of absorbed factors; `terms` and `absorbed` are of all of them. Empty for other formulas.
    """

    text: str
    outcome: Node
    terms: Terms
    absorbed: tuple[Node, ...] = ()
    instruments: Instruments | None = None
    random: tuple[RandomTerms, ...] = ()
    right_sides: tuple[tuple[str, Terms], ...] = ()
    absorbed_sets: tuple[tuple[str, tuple[Node, ...]], ...] = ()

    @property
    def together(self) -> Formula:
        """One model with the terms and absorbed factors of all that the formula stands for."""
        return replace(self, right_sides=(), absorbed_sets=()) if self.right_sides else self

    @property
    def stands_for_several(self) -> bool:
        """Whether the formula stands for several models: of several outcomes, or by sw() and the like."""
        outcome = self.outcome
        combined = isinstance(outcome, Call) and outcome.function == COMBINE and len(outcome.arguments) > 1
        return bool(self.right_sides) or combined


def parse(text: str) -> Formula:
    """Read `outcome ~ terms` or `outcome ~ terms | factors`, with instruments in brackets or behind a last `|`.

    Raises FormulaError that shows the place of the first mistake.
    """
    cursor = cursor_at_start(text)
    if "sw" in text and _calls_stepwise(cursor):
        from gramian.formula.stepwise import parse_stepwise  # most formulas stand for one model

        several: Formula = parse_stepwise(text, cursor.tokens, parse, _together_terms)
        return several
    tildes = [at for at, token in enumerate(cursor.tokens) if token.text == "~"]
    if not tildes:
        cursor.fail("a formula needs '~' between the outcome and the terms, as in y ~ x", len(text))
    if len(tildes) > 1 and not any(t.operator in ("[", "|") for t in cursor.tokens[tildes[0] : tildes[1]]):
        second = cursor.tokens[tildes[1]]
        cursor.fail(SPECIAL[second.operator], second.position)
    outcome = _outcome(cursor)
    instruments: list[Instruments] = []
    random: list[RandomTerms] = []
    terms = _terms(cursor, instruments, random)
    absorbed: tuple[Node, ...] = ()
    if cursor.token.operator == "|" and not cursor.tilde_follows:
        absorbed = _absorbed(cursor)
    if cursor.token.operator == "|" and cursor.tilde_follows:
        cursor.take()
        instruments.append(_first_stage(cursor))
    _finish(cursor)
    return Formula(text, outcome, terms, absorbed, _together(instruments) if instruments else None, tuple(random))


def _together_terms(parts: Sequence[Terms]) -> Terms:
    """Several right sides as one."""
    return parts[0] if len(parts) == 1 else Sum(tuple((True, part) for part in parts))


def _calls_stepwise(cursor: Cursor) -> bool:
    """Whether sw(), csw() or the like is called somewhere; without a parenthesis they are columns."""
    pairs = zip(cursor.tokens, cursor.tokens[1:], strict=False)
    return any(here.kind == "name" and here.text in STEPWISE and then.text == "(" for here, then in pairs)


def _first_stage(cursor: Cursor) -> Instruments:
    """Read `endogenous ~ instruments`."""
    position = cursor.token.position
    endogenous = _terms(cursor)
    if not cursor.accept("~"):
        cursor.fail("'~' stands between endogenous columns and their instruments, as in y ~ w + [x ~ z]")
    return Instruments(endogenous, _terms(cursor), position)


def _bracketed(cursor: Cursor) -> Instruments:
    """Read `[endogenous ~ instruments]`, which stands alone between `+` signs."""
    opening = cursor.take()
    first_stage = _first_stage(cursor)
    if not cursor.accept("]"):
        cursor.fail("this '[' is not closed", opening.position)
    if cursor.token.operator not in ("+", "-", "|", ""):
        cursor.fail("endogenous columns in brackets are joined to the others by '+', as in y ~ w + [x ~ z]")
    return first_stage


def _random(cursor: Cursor) -> RandomTerms:
    """Read `(terms | group)`, which stands alone between `+` signs."""
    opening = cursor.take()
    cursor.deeper()
    terms = _terms(cursor)
    correlated = cursor.token.operator == "|"
    if not (cursor.accept("|") or cursor.accept("||")):
        cursor.expected("an operator or '|'")
    by = [_group(cursor)]
    while cursor.accept(":"):
        by.append(_group(cursor))
    if cursor.token.operator in ("/", "+", "*"):
        cursor.fail(NESTED)
    cursor.close(opening)
    if cursor.token.operator not in ("+", "-", "|", ""):
        cursor.fail("random effects are joined to the other terms by '+', as in y ~ x + (1 | firm)")
    return RandomTerms(terms, tuple(dict.fromkeys(by)), correlated, opening.position)


def _group(cursor: Cursor) -> str:
    """Read the column of a grouping; factor(firm) is the column firm."""
    token = cursor.token
    if token.kind not in ("name", "quoted"):
        cursor.expected("the column of a grouping")
    node = named(cursor)
    column = node.arguments[0] if isinstance(node, Call) and node.function in ("factor", "C") else node
    if not isinstance(column, Name):
        cursor.fail("right of '|' stands the column of a grouping, as in (1 | firm)", token.position)
    return column.name


def _together(parts: list[Instruments]) -> Instruments:
    """Several first stages as one: every instrument serves for every endogenous column."""
    endogenous, excluded = (
        Sum(tuple((True, getattr(part, name)) for part in parts)) for name in ("endogenous", "excluded")
    )
    return parts[0] if len(parts) == 1 else Instruments(endogenous, excluded, parts[0].position)


def parse_expression(text: str) -> Node:
    """Read an arithmetic expression without `~`; FormulaError shows the place of the first mistake."""
    cursor = cursor_at_start(text)
    node = expression(cursor)
    _finish(cursor)
    return node


def _finish(cursor: Cursor) -> None:
    """Raise FormulaError unless the text ends here."""
    if cursor.token.kind != "end":
        _fail_at_end(cursor, "an operator")


def _fail_at_end(cursor: Cursor, expected: str) -> NoReturn:
    """Raise FormulaError for a token that cannot follow a complete expression."""
    if cursor.token.operator == ")":
        cursor.fail("this ')' was not opened")
    cursor.expected(expected)


def _outcome(cursor: Cursor) -> Node:
    """Read the left side and the tilde: one expression, or c() of several."""
    start = cursor.token.position
    if cursor.token.operator == "~":
        cursor.fail("nothing stands left of '~'; name the outcome, as in y ~ x")
    combined = _calls_combine(cursor)
    nodes = _combined_outcomes(cursor) if combined else ((start, expression(cursor)),)
    if cursor.token.operator != "~":
        _fail_at_end(cursor, "'~'" if combined else "an operator or '~'")
    cursor.take()
    for place, node in nodes:
        _check_outcome(cursor, node, place)
    if cursor.token.kind == "end":
        cursor.fail("nothing stands right of '~'; write y ~ 1 for a constant only")
    outcomes = tuple(node for _, node in nodes)
    return outcomes[0] if len(outcomes) == 1 else Call(COMBINE, outcomes, position=start)


def _calls_combine(cursor: Cursor) -> bool:
    """Whether a call of c() comes next; without the parenthesis c is a column."""
    here, then = cursor.token, cursor.then
    return here.kind == "name" and here.text == COMBINE and then.text == "("


def _combined_outcomes(cursor: Cursor) -> tuple[tuple[int, Node], ...]:
    """The outcomes inside c(), each with its position in the text; FormulaError where one is named twice."""
    cursor.take()
    opening = cursor.take()
    cursor.deeper()
    if cursor.token.operator == ")":
        cursor.fail("c() gathers no outcome; name them, as in c(y1, y2) ~ x")
    nodes: dict[Node, int] = {}
    while not nodes or cursor.accept(","):
        place = cursor.token.position
        node = expression(cursor)
        if node in nodes:
            cursor.fail(f"the outcome {label(node)} is named twice", place)
        nodes[node] = place
    cursor.close(opening)
    return tuple((place, node) for node, place in nodes.items())


def _check_outcome(cursor: Cursor, node: Node, start: int) -> None:
    """Raise FormulaError for an outcome that uses no column or calls poly(), factor() and the like."""
    for part in walk(node):
        if isinstance(part, Call) and part.function in STRUCTURAL:
            cursor.fail(f"{part.function}() cannot stand in the outcome", part.position)
    if not names(node):
        cursor.fail("the outcome uses no column", start)


def _terms(
    cursor: Cursor, instruments: list[Instruments] | None = None, random: list[RandomTerms] | None = None
) -> Terms:
    """Read terms joined by `+` and `-`.

    instruments, random : take up what stands in brackets and random effects, where these may stand.
    """
    parts: list[tuple[bool, Terms]] = []
    while not (parts or instruments or random) or cursor.token.operator in ("+", "-"):
        adding = _sign(cursor)
        position = cursor.token.position
        if cursor.token.operator == "[" and instruments is not None and adding:
            instruments.append(_bracketed(cursor))
            continue
        if cursor.token.operator == "(" and random is not None and adding and cursor.bar_inside:
            random.append(_random(cursor))
            continue
        part = named(cursor) if _is_simple(cursor) else _crossing(cursor)
        # 0 and 1 stand for the intercept
        if isinstance(part, Number) and part.value not in (0, 1):
            _not_a_term(cursor, "+" if adding else "-", parts[-1][1] if parts else None, part, position)
        parts.append((adding, part))
    if not parts:  # endogenous columns alone, beside an intercept
        return Number(1.0)
    return parts[0][1] if len(parts) == 1 and parts[0][0] else Sum(tuple(parts))


def _is_simple(cursor: Cursor) -> bool:
    """Whether the next term is a plain column between `+` or `-`, as most terms are: a fast path for long formulas."""
    here = cursor.token  # at + 1 exists: the last token is of kind "end", never a name
    return here.kind == "name" and here.text != "." and cursor.then.text in SEPARATORS


def _absorbed(cursor: Cursor) -> tuple[Node, ...]:
    """Read the factors right of `|`, each once; firm^year and firm:year are the combinations of both that occur."""
    cursor.take()
    factors: list[Node] = []
    while not factors or cursor.accept("+"):
        columns = [_absorbed_column(cursor)]
        while cursor.accept("^") or cursor.accept(":"):
            columns.append(_absorbed_column(cursor))
        different = tuple(dict.fromkeys(columns))
        factors.append(different[0] if len(different) == 1 else Call(PAIRED, different, position=columns[0].position))
    if cursor.token.operator in CROSSINGS or cursor.token.operator == "-":
        cursor.fail("absorbed factors are joined by '+', as in y ~ x | firm + year, their combinations are firm^year")
    return tuple(dict.fromkeys(factors))


def _absorbed_column(cursor: Cursor) -> Name:
    """Read a column right of `|`; factor(firm) is the column firm."""
    token = cursor.token
    if token.kind not in ("name", "quoted"):
        cursor.expected("a factor to absorb")
    node = named(cursor)
    column = node.arguments[0] if isinstance(node, Call) and node.function in ("factor", "C") else node
    if not isinstance(column, Name) or (column == ANY and token.kind == "name"):
        cursor.fail("right of '|' stand the columns of factors, as in y ~ x | firm + year", token.position)
    return column


def _sign(cursor: Cursor) -> bool:
    """Read any number of signs; whether the term is added."""
    adding = True
    while cursor.token.operator in ("+", "-"):
        # a double minus is a plus, as in R
        adding ^= cursor.take().text == "-"
    return adding


def _crossing(cursor: Cursor, level: int = 1) -> Terms:
    """Read terms joined by `:`, `*` and `/`, of at least this precedence (precedence climbing)."""
    left, tree_height = _power(cursor), 0
    while CROSSINGS.get(cursor.token.operator, 0) >= level:
        token = cursor.take()
        right = _crossing(cursor, CROSSINGS[token.text] + 1)
        if isinstance(left, Number) or isinstance(right, Number):
            _not_a_term(cursor, token.text, left, right, token.position)
        tree_height = max(tree_height or _height(left), _height(right)) + 1
        left = Cross(token.text, left, right)
        if tree_height > MAX_HEIGHT:
            cursor.fail(f"terms may be crossed {MAX_HEIGHT} times one after another", token.position)
    return left


def _height(terms: Terms) -> int:
    """Number of levels of a tree of terms, counted without recursion."""
    rows, level = 0, [terms]
    while level:
        rows, level = rows + 1, [below for part in level for below in _below(part)]
    return rows


def _below(terms: Terms) -> tuple[Terms, ...]:
    """The terms directly below a node."""
    match terms:
        case Sum():
            return tuple(part for _, part in terms.parts)
        case Cross():
            return (terms.left, terms.right)
        case Power():
            return (terms.base,)
    return ()


def _power(cursor: Cursor) -> Terms:
    """Read a term and its integer power."""
    base = _term(cursor)
    if cursor.token.operator != "^":
        return base
    caret, place = cursor.take(), cursor.token.position
    exponent = unary(cursor)
    if isinstance(base, Name | Call | Number):
        _not_a_power(cursor, base, exponent, caret.position)
    if not (isinstance(exponent, Number) and is_whole_number(exponent, MAX_POWER)):
        cursor.fail(f"the power of terms is a whole number from 1 to {MAX_POWER}", place)
    return Power(base, int(exponent.value))


def _term(cursor: Cursor) -> Terms:
    """Read a term: a number, a column, a call, `.`, or terms in parentheses."""
    token = cursor.token
    if token.operator == "(":
        cursor.take()
        cursor.deeper()
        terms = _terms(cursor)
        cursor.close(token)
        return terms
    if token.kind == "number":
        return number(cursor)
    if token.kind not in ("name", "quoted"):
        cursor.expected("a term")
    if token.text in LAGS and token.kind == "name" and cursor.then.text == "(":
        cursor.take()
        several = lags(cursor, token)
        return several[0] if len(several) == 1 else Sum(tuple((True, lag) for lag in several))
    node = named(cursor)
    if isinstance(node, Call):
        _check_term(cursor, node)
        if node.function == "i":
            return _indicators(cursor, node)
        if node.function == "sunab":
            return _cohorts(node)
    # in backticks it is a column of this name
    return Dot(node.position) if token.text == "." and node == ANY else node


def _indicators(cursor: Cursor, call: Call) -> Terms:
    """i(t, x, ref=-1) as the interaction i(t, ref=-1):x, and i(t, f, ref2="a") as one with i(f, ref="a")."""
    keywords = dict(call.keywords)
    by, second = (call.arguments[1] if len(call.arguments) > 1 else None), keywords.get("ref2")
    first = replace(call, arguments=call.arguments[:1], keywords=tuple(k for k in call.keywords if k[0] == "ref"))
    if by is None:
        if second is not None:
            cursor.fail("ref2 is of the second column of i(), as in i(t, f, ref=-1, ref2='a')", second.position)
        return first
    if second is not None:
        return Cross(":", first, Call("i", (by,), (("ref", second),), position=by.position))
    return Cross(":", first, by if isinstance(by, Name | Call) else Call("I", (by,), position=by.position))


def _cohorts(call: Call) -> Terms:
    """sunab(cohort, period) as the interaction of two factors: periods since the treatment, and cohorts."""
    keywords = dict(call.keywords)
    periods = (("ref", keywords.get("ref_p", Negative(Number(1.0)))),)
    cohorts = (("ref", keywords["ref_c"]),) if "ref_c" in keywords else ()
    first, second = (replace(call, function=f, keywords=k) for f, k in zip(COHORTS, (periods, cohorts), strict=True))
    return Cross(":", first, second)


def _check_term(cursor: Cursor, call: Call) -> None:
    """Raise FormulaError for a call that uses no column or has too high a power."""
    if not names(call):
        cursor.fail(f"{label(call)} uses no column", call.position)
    try:
        monomial(call)
    except FormulaError as wrong:
        raise formula_error(wrong.message, cursor.text, call.position) from None


def _not_a_term(cursor: Cursor, op: str, left: Terms | None, right: Terms, position: int) -> NoReturn:
    """Raise FormulaError for a number among terms, with the I() that was probably meant."""
    example = "I(x + 2)"
    if op in PRECEDENCE and _elementwise(left) and _elementwise(right):
        example = label(Call("I", (Binary(op, left, right),)))
    cursor.fail(f"a number is not a term; arithmetic stands inside I(), as in {example}", position)


def _not_a_power(cursor: Cursor, base: Name | Call | Number, exponent: Node, position: int) -> NoReturn:
    """Raise FormulaError for x^2 outside I(), with the I() or poly() that was probably meant."""
    if not _elementwise(base):
        cursor.fail("a power of terms needs several of them, as in (a + b)^2", position)
    smooth = Call("poly", (base, exponent))
    polynomial = f" or {label(smooth)}" if names(base) and is_whole_number(exponent, MAX_POWER) else ""
    cursor.fail(f"did you mean {label(Call('I', (Binary('^', base, exponent),)))}{polynomial}?", position)


def _elementwise(terms: Terms | None) -> TypeGuard[Name | Number | Call]:
    """Whether a term is arithmetic on rows, which I() could contain."""
    return isinstance(terms, Name | Number) or (isinstance(terms, Call) and terms.function in FUNCTIONS)
