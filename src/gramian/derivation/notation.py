"""Mathematics written once, as `X'Xw = X'y`, and told as text, LaTeX or MathML.

A letter is a variable, two letters side by side are a product, ' transposes, ^ raises (one sign or number), _ puts an
index below, || are the bars of a norm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SIGNS = {">=": (r"\ge", "≥"), "*": (r"\cdot", "·"), "...": (r"\cdots", "⋯"), "||": (r"\|", "‖"), "-": ("-", "−")}
SPACED = ("+", "-", "=", "*", ">=", "...")
SUPERSCRIPTS = {"'": "<mo>′</mo>", "+": "<mo>+</mo>"}
TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<word>det|rank|adj)|(?P<letter>[A-Za-z])"
    r"|(?P<sign>\.\.\.|>=|\|\||[-+=*/(),>])"
)
SCRIPT = re.compile(r"(?:_(?P<low>[a-z0-9]+))?(?P<prime>'?)(?:\^(?P<high>-?\d+|\+))?")


@dataclass(frozen=True, slots=True)
class Token:
    """A sign with what stands below and above it."""

    kind: str
    text: str
    low: str = ""
    high: str = ""


def tokens(text: str) -> Iterator[Token]:
    """The signs of a piece of mathematics. Raises ValueError for what is none."""
    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        matched = TOKEN.match(text, position)
        if matched is None or matched.lastgroup is None:
            raise ValueError(f"no mathematics: {text[position:]!r}")
        script = SCRIPT.match(text, matched.end())
        assert script is not None  # it matches nothing, too
        yield Token(matched.lastgroup, matched[0], script["low"] or "", script["prime"] or script["high"] or "")
        position = script.end()


def latex(text: str) -> str:
    """As LaTeX, without dollars."""
    return " ".join("".join(map(_spaced, tokens(text))).split())


def mathml(text: str) -> str:
    """As the inside of a <math> element."""
    return "".join(map(_mathml, tokens(text)))


def latex_number(text: str) -> str:
    """A number that `shown` wrote, as LaTeX."""
    mantissa, power, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if power else mantissa


def mathml_number(text: str) -> str:
    """A number that `shown` wrote, as MathML."""
    mantissa, power, exponent = text.removeprefix("-").partition("e")
    markup = f"<mn>{mantissa}</mn>"
    if power:
        markup += f"<mo>·</mo><msup><mn>10</mn>{mathml_number(exponent)}</msup>"
    if text.startswith("-"):
        markup = f"<mo>-</mo>{markup}"
    return markup if markup.count("<m") == 1 else f"<mrow>{markup}</mrow>"


def _spaced(token: Token) -> str:
    """A sign, with spaces where they help the reader of the source or end a command."""
    return f" {_latex(token)} " if token.text in SPACED else _latex(token) + " " * (token.text == ",")


def _latex(token: Token) -> str:
    low = f"_{{{token.low}}}" if token.low else ""
    high = "'" if token.high == "'" else f"^{{{token.high}}}" if token.high else ""
    match token.kind:
        case "word":
            base = rf"\operatorname{{{token.text}}}"
        case "number":
            base = latex_number(token.text)
        case _:
            base = SIGNS.get(token.text, (token.text,))[0]
    return base + low + high


def _mathml(token: Token) -> str:
    match token.kind:
        case "number":
            base = mathml_number(token.text)
        case "sign":
            base = f"<mo>{SIGNS.get(token.text, ('', token.text))[1].replace('>', '&gt;')}</mo>"
        case _:
            base = f"<mi>{token.text}</mi>"
    return _scripted(base, token)


def _scripted(base: str, token: Token) -> str:
    low = _script(token.low)
    high = SUPERSCRIPTS.get(token.high) or _script(token.high)
    if low and high:
        return f"<msubsup>{base}{low}{high}</msubsup>"
    if low or high:
        return f"<msub>{base}{low}</msub>" if low else f"<msup>{base}{high}</msup>"
    return base


def _script(text: str) -> str:
    if not text:
        return ""
    return f"<mi>{text}</mi>" if text.isalpha() else mathml_number(text)
