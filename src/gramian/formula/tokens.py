"""Splits the text of a formula into tokens, and words errors that point into the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple, NoReturn

from gramian.errors import FormulaError
from gramian.formula.syntax import COMPARISONS, NAME

# bounds against hostile or generated input: the parser is recursive, each level of nesting takes Python stack frames
MAX_LENGTH, MAX_NESTING = 100_000, 50
WINDOW = 100  # characters of a long text that are shown with an error

TOKEN = re.compile(
    rf"""\s*(?:
    (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>{NAME})
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<operator>\*\*|%in%|[=!<>]=|&&|\|\||[-+*/^:~(),=|<>!&\[\]])
    )
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPED = re.compile(r"\\([\\\"'`])")


class Token(NamedTuple):
    """A piece of the text.

    Attributes
    ----------
    kind : str
        number, name, quoted (in backticks), text (in quotes), operator or end.
    text : str
        The characters; `**` is stored as `^`.
    position : int
        Offset of the first character.
    operator : str
        The text of an operator; empty for all other kinds.
    """

    kind: str
    text: str
    position: int
    operator: str = ""

    def __str__(self) -> str:
        return self.text if self.kind == "text" else f"'{self.text}'"

    @property
    def content(self) -> str:
        """The text between the quotes, without backslashes."""
        return ESCAPED.sub(r"\1", self.text[1:-1])


def tokenize(text: str) -> list[Token]:
    """All tokens of a text, the last one of kind "end".

    Raises FormulaError for a character that starts no token, or a text of more than 100,000 characters.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula may have {MAX_LENGTH:,} characters, this one has {len(text):,}")
    tokens, position = list[Token](), 0
    for match in TOKEN.finditer(text):
        # finditer() skips characters that match no token: a gap is an error
        if match.start() != position:
            break
        kind, position = str(match.lastgroup), match.end()
        piece, start = match[kind], position - len(match[kind])
        text_of_token = "^" if piece == "**" else piece
        tokens.append(Token(kind, text_of_token, start, text_of_token if kind == "operator" else ""))
    if rest := text[position:].lstrip():
        raise formula_error(_strange(rest[0]), text, len(text) - len(rest))
    return [*tokens, Token("end", "", len(text))]


def _strange(character: str) -> str:
    """Message for a character that starts no token."""
    if character in "\"'`":
        return f"this {character} is not closed"
    return f"unexpected character {character!r}; names that are not identifiers stand in backticks, as in `my column`"


def formula_error(message: str, text: str, position: int) -> FormulaError:
    """A FormulaError that shows the text on one line, cut to `WINDOW` characters around the position."""
    line = "".join(c if c.isprintable() else " " for c in text)
    start = max(0, position - WINDOW // 2) if len(line) > WINDOW else 0
    before, after = "..." * (start > 0), "..." * (len(line) > start + WINDOW)
    return FormulaError(message, f"{before}{line[start : start + WINDOW]}{after}", position - start + len(before))


def outside_parentheses(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens that stand in no parentheses: inside, `|` joins conditions."""
    depth = 0
    for token in tokens:
        depth -= token.operator == ")"
        if depth <= 0:
            yield token
        depth += token.operator == "("


def cursor_at_start(text: str) -> Cursor:
    """The cursor at the first token of a text."""
    tokens = tokenize(text)
    return Cursor(text, tokens, tokens[0])


@dataclass(slots=True)
class Cursor:
    """A position in the tokens of a text: the state of a recursive descent parser.

    Attributes
    ----------
    text : str
        The text of the formula, for errors.
    tokens : list of Token
        Its tokens.
    token : Token
        The next token, an attribute because the parser looks at it all the time.
    at : int
        Its index.
    depth : int
        Number of open parentheses and nested operators.
    """

    text: str
    tokens: list[Token]
    token: Token
    at: int = 0
    depth: int = 0

    def take(self) -> Token:
        """Return the next token and move past it."""
        taken, self.at = self.token, self.at + 1
        self.token = self.tokens[self.at]
        return taken

    def accept(self, operator: str) -> bool:
        """Move past the next token if it is this operator; whether it was."""
        accepted = self.token.operator == operator
        if accepted:
            self.take()
        return accepted

    @property
    def then(self) -> Token:
        """The token after the next one; the last one again where there is none."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    @property
    def tilde_follows(self) -> bool:
        """Whether the part behind this `|`, up to the next one, has a `~`: then it names instruments."""
        part = takewhile(lambda token: token.operator != "|", outside_parentheses(self.tokens[self.at + 1 :]))
        return any(token.operator == "~" for token in part)

    @property
    def bar_inside(self) -> bool:
        """Whether the parenthesis that opens here holds a `|` that is in no inner one: then it is a random effect."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += (token.operator == "(") - (token.operator == ")")
            if depth == 0 or (depth == 1 and token.operator in ("|", "||")):
                return depth == 1
        return False

    def deeper(self) -> None:
        """Enter one more level of nesting; FormulaError beyond `MAX_NESTING`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.fail(f"a formula may be nested {MAX_NESTING} levels deep")

    def close(self, opening: Token) -> None:
        """Move past the parenthesis that closes `opening`."""
        if self.token.kind == "end" or self.token.operator == "~":
            self.fail("this '(' is not closed", opening.position)
        if not self.accept(")"):
            self.expected("an operator or ')'")
        self.depth -= 1

    def expected(self, what: str) -> NoReturn:
        """Raise FormulaError at the next token, saying what could have stood there."""
        last = f" after {self.tokens[self.at - 1]}" if self.at else ""
        context = f"the text ends{last}" if self.token.kind == "end" else f"found {self.token}{last}"
        self.fail(SPECIAL.get(self.token.operator) or f"expected {what}, {context}")

    def fail(self, message: str, position: int | None = None) -> NoReturn:
        """Raise a FormulaError at a position, by default at the next token."""
        raise formula_error(message, self.text, self.token.position if position is None else position)


COMPARE = "comparisons and choices stand inside I() or another function, as in I(x > 0)"
SPECIAL = {
    **dict.fromkeys((*COMPARISONS, "&", "&&", "||", "!"), COMPARE),
    "|": "'|' stands once, between the terms and the factors to absorb, as in y ~ x | firm",
    "~": "a second '~'; a formula has one, between the outcome and the terms",
    "[": "'[' opens endogenous columns and their instruments between '+' signs, as in y ~ w + [x ~ z]",
    "]": "this ']' was not opened",
    "=": "'=' stands only between a keyword and its value, as in poly(x, 3, raw=TRUE)",
}
