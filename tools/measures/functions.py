"""Signatures, bodies, docstrings and comments."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measures.layout import tree

TRAVELLERS = {"source", "engine", "progress"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's file, name and parameters (without self and cls), and the lines of its body without docstring."""

    file: Path
    name: str
    parameters: tuple[str, ...]
    body: int

    def travelling(self) -> int:
        """How many of source, engine and progress are parameters."""
        return len(TRAVELLERS.intersection(self.parameters))


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of a file: all, those of docstrings, those that have a comment."""

    lines: int
    docstrings: int
    comments: int


def signatures(file: Path) -> Iterator[Signature]:
    """Every function and method of a file, nested ones too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Signature(file, node.name, _parameters(node.args), _body(node))


def _parameters(given: ast.arguments) -> tuple[str, ...]:
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return tuple(one.arg for one in named if one is not None and one.arg not in ("self", "cls"))


def _body(node: Function) -> int:
    code = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return (code[-1].end_lineno or 0) - code[0].lineno + 1 if code else 0


def text(file: Path) -> Text:
    """How many lines a file has, and how many of them explain."""
    content = file.read_text("utf-8")
    nodes = [node for node in ast.walk(tree(file)) if isinstance(node, Documented)]
    with tokenize.open(file) as lines:
        comments = {
            token.start[0] for token in tokenize.generate_tokens(lines.readline) if token.type == tokenize.COMMENT
        }
    return Text(len(content.splitlines()), sum(map(_docstring, nodes)), len(comments))


def _docstring(node: Documented) -> int:
    if ast.get_docstring(node, clean=False) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def quantile(values: Sequence[int], share: float) -> int:
    """The value below which that share of the values lies."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]
