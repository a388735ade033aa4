"""A small notation for mathematics, such as `X'Xw = X'y`, with translations to LaTeX and MathML.

A letter is a variable, two letters side by side are a product, ' transposes, ^ raises (one sign or number), _ puts an
index below, || are the bars of a norm. The notation itself serves as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SIGNS = {">=": (r"\ge", "≥"), "*": (r"\cdot", "·"), "...": (r"\cdots", "⋯"), "||": (r"\|", "‖"), "-": ("-", "−")}
SPACED = ("+", "-", "=", "*", ">=", "...")
BRACKETS = {"(": ")", "||": "||"}
# not as an exponent: the sign is small and high by itself, and as a postfix it has no space around it
PRIME = '<mo form="postfix">′</mo>'
SUPERSCRIPTS = {"+": "<mo>+</mo>"}
# Words come before letters, so that det is not the product of d, e and t.
TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<word>det|rank|adj)|(?P<letter>[A-Za-z])"
    r"|(?P<sign>\.\.\.|>=|\|\||[-+=*/(),>])"
)
SCRIPT = re.compile(r"(?:_(?P<low>[a-z0-9]+))?(?P<prime>'?)(?:\^(?P<high>-?\d+|\+))?")


@dataclass(frozen=True, slots=True)
class Token:
    """A number, word, letter or sign, with what stands below and above it."""

    kind: str
    text: str
    low: str = ""
    high: str = ""


def tokens(text: str) -> Iterator[Token]:
    """Tokens of a text. Raises ValueError for a text that is not in the notation."""
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
    """LaTeX of a text, without dollars."""
    return " ".join("".join(map(_spaced, tokens(text))).split())


def mathml(text: str) -> str:
    """MathML of a text, for the inside of a <math> element.

    What stands in parentheses or bars is one <mrow>, so that these are as high as it is, and an exponent belongs to all
    of it.
    """
    closing, groups = [""], [""]  # of the groups that are open: the sign that ends each, its markup
    for token in tokens(text):
        if token.text == closing[-1]:
            closing.pop()
            group = f"<mrow>{groups.pop()}{_sign(token.text)}</mrow>"
            groups[-1] += _scripted(group, token)
        elif token.text in BRACKETS:
            closing.append(BRACKETS[token.text])
            groups.append(_sign(token.text))
        else:
            groups[-1] += _mathml(token)
    return "".join(groups)


def latex_number(text: str) -> str:
    """LaTeX of a number that `format_fraction` formatted."""
    mantissa, power, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if power else mantissa


def mathml_number(text: str) -> str:
    """MathML of a number that `format_fraction` formatted."""
    mantissa, power, exponent = text.removeprefix("-").partition("e")
    markup = f"<mn>{mantissa}</mn>"
    if power:
        markup += f"<mo>·</mo><msup><mn>10</mn>{mathml_number(exponent)}</msup>"
    if text.startswith("-"):
        markup = f"<mo>-</mo>{markup}"
    return markup if markup.count("<m") == 1 else f"<mrow>{markup}</mrow>"


def _spaced(token: Token) -> str:
    """LaTeX of a token, with spaces where they end a command or make the source readable."""
    return f" {_latex(token)} " if token.text in SPACED else _latex(token) + " " * (token.text == ",")


def _latex(token: Token) -> str:
    """LaTeX of a token."""
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
    """MathML of a token."""
    match token.kind:
        case "number":
            base = mathml_number(token.text)
        case "sign":
            base = _sign(token.text)
        case _:
            base = f"<mi>{token.text}</mi>"
    return _scripted(base, token)


def _sign(text: str) -> str:
    """MathML of a sign."""
    return f"<mo>{SIGNS.get(text, ('', text))[1].replace('>', '&gt;')}</mo>"


def _scripted(base: str, token: Token) -> str:
    """MathML of a base with its index and exponent, or with a prime."""
    low = _script(token.low)
    if token.high == "'":
        return f"<mrow>{f'<msub>{base}{low}</msub>' if low else base}{PRIME}</mrow>"
    high = SUPERSCRIPTS.get(token.high) or _script(token.high)
    if low and high:
        return f"<msubsup>{base}{low}{high}</msubsup>"
    if low or high:
        return f"<msub>{base}{low}</msub>" if low else f"<msup>{base}{high}</msup>"
    return base


def _script(text: str) -> str:
    """MathML of an index or exponent."""
    if not text:
        return ""
    return f"<mi>{text}</mi>" if text.isalpha() else mathml_number(text)
