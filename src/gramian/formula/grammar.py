"""Parser of formulas: text -> syntax tree, with the place of every mistake. Nothing is ever evaluated.

Recursive descent; the grammar is that of G. N. Wilkinson and C. E. Rogers, Symbolic description of factorial models for
analysis of variance, Applied Statistics 22 (1973), 392-399, with R's spelling::

    formula  = outcome "~" terms ["|" factor {"+" factor}] ["|" first]      with sw() and the like: `stepwise`
    factor   = column {("^" | ":") column} ["[" slopes "]" | "[[" slopes "]]"]     slopes: expressions, by ","
    outcome  = expression | "c(" expression {"," expression} ")"
    terms    = [sign] crossing {sign crossing}
    first    = terms "~" terms            also among the terms, as "[" first "]"
    random   = "(" terms ("|" | "||") column {":" column} ")"      among the terms
    crossing = power {(":" | "*" | "/") power}
    power    = term ["^" integer]
    term     = "(" terms ")" | "0" | "1" | "." | column | call
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from gramian.formula.absorbed.grammar import absorbed_factors
from gramian.formula.arithmetic import expression, named
from gramian.formula.functions import STEPWISE, STRUCTURAL
from gramian.formula.syntax import (
    COMBINE,
    Call,
    Instruments,
    Name,
    Node,
    Number,
    RandomTerms,
    Sum,
    Terms,
    label,
    names,
    walk,
)
from gramian.formula.term_grammar import crossing, not_a_term
from gramian.formula.tokens import SPECIAL, Cursor, cursor_at_start

SEPARATORS = "+", "-", ""  # what may follow a simple term; the text of the end token is empty
NESTED = (
    "nested or crossed groupings are not available: the groups of a model are those of one column, as in (1 | firm), "
    "or of the combinations of several, as in (1 | firm:year)"
)


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
        for the combinations of several, or of `SLOPES` and `SLOPES_ALONE` of either and variables.
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
        absorbed = absorbed_factors(cursor)
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
    if cursor.token.operator == "~":
        cursor.fail("no endogenous column is named; write them as in y ~ w + [x ~ z]")
    endogenous = _terms(cursor)
    if not cursor.accept("~"):
        cursor.fail("'~' stands between endogenous columns and their instruments, as in y ~ w + [x ~ z]")
    if cursor.token.operator == "]" or cursor.token.kind == "end":
        cursor.fail("no instrument is named; write them as in y ~ w + [x ~ z]")
    excluded = _terms(cursor)
    return Instruments(endogenous, excluded, position, cursor.text[position : cursor.token.position].strip())


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
    text = " + ".join(f"[{part.text}]" for part in parts)
    return parts[0] if len(parts) == 1 else Instruments(endogenous, excluded, parts[0].position, text)


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
        part = named(cursor) if _is_simple(cursor) else crossing(cursor, _terms)
        # 0 and 1 stand for the intercept
        if isinstance(part, Number) and part.value not in (0, 1):
            not_a_term(cursor, "+" if adding else "-", parts[-1][1] if parts else None, part, position)
        parts.append((adding, part))
    if not parts:  # endogenous columns alone, beside an intercept
        return Number(1.0)
    return parts[0][1] if len(parts) == 1 and parts[0][0] else Sum(tuple(parts))


def _is_simple(cursor: Cursor) -> bool:
    """Whether the next term is a plain column between `+` or `-`, as most terms are: a fast path for long formulas."""
    here = cursor.token  # at + 1 exists: the last token is of kind "end", never a name
    return here.kind == "name" and here.text != "." and cursor.then.text in SEPARATORS


def _sign(cursor: Cursor) -> bool:
    """Read any number of signs; whether the term is added."""
    adding = True
    while cursor.token.operator in ("+", "-"):
        # a double minus is a plus, as in R
        adding ^= cursor.take().text == "-"
    return adding
