"""Conditions on rows as text, such as `x > 0 & carrier == 'AA'`.

The text becomes an expression of Python by a few replacements (`&` is `and`, `!` is `not`, `^` is `**`), Python's
parser reads it, and only what is listed here is evaluated, by Arrow: nothing of it is run as code. As in SQL, a
comparison with a missing value is missing, and a row enters where the condition is true.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Batch
from gramian.column import raw
from gramian.errors import OptionError, SchemaError, did_you_mean
from gramian.rowwise import (
    DATE_PARTS,
    FAILURES,
    JOINS,
    among,
    arrow,
    compared,
    constant_of,
    is_boolean,
    is_integer,
    kind,
    plain,
)
from gramian.typing import Mask

MAX_LENGTH = 10_000
MAX_NESTING = 100  # of parts within parts; conditions joined by & are beside each other
TOKEN = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|`([^`]+)`|(&&?)|(\|\|?)|(!=)|(!)|(\^)|(%in%)|(\b\d[\w.]*)""", re.DOTALL
)
CONSTANTS = {"TRUE": True, "FALSE": False, "true": True, "false": False}
EXAMPLE = "as in where=\"x > 0 & carrier == 'AA'\""


FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "abs": pc.abs, "sqrt": pc.sqrt, "exp": pc.exp, "log": pc.ln, "log2": pc.log2, "log10": pc.log10, "floor": pc.floor,
    "ceiling": pc.ceil, "round": pc.round, "is_null": pc.is_null, "lower": pc.utf8_lower, "upper": pc.utf8_upper,
    **DATE_PARTS,
}  # fmt: skip
COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: pc.add, ast.Sub: pc.subtract, ast.Mult: pc.multiply, ast.Div: pc.divide, ast.Pow: pc.power,
}  # fmt: skip
# whether a comparison can hold of a value between low and high
POSSIBLE: Mapping[type[ast.cmpop], Callable[[Any, Any, Any], bool]] = {
    ast.Eq: lambda low, high, v: low <= v <= high,
    ast.NotEq: lambda low, high, v: not low == v == high,
    ast.Lt: lambda low, high, v: low < v,
    ast.LtE: lambda low, high, v: low <= v,
    ast.Gt: lambda low, high, v: high > v,
    ast.GtE: lambda low, high, v: high >= v,
}
MIRRORED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
Bounds = Callable[[str], tuple[Any, Any] | None]  # of a column: its lowest and highest value, where they are known


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on rows.

    Attributes
    ----------
    text : str
        As it was written.
    columns : tuple of str
        Names of the columns that it needs.
    """

    text: str
    columns: tuple[str, ...] = field(init=False)
    _tree: ast.expr = field(init=False, repr=False, compare=False)
    _names: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse the text. Raises OptionError for what is no condition."""
        if not isinstance(self.text, str) or not self.text.strip() or len(self.text) > MAX_LENGTH:
            raise OptionError(f"where must be a condition, {EXAMPLE}, found {self.text!r:.100}")
        tree, names = _parsed(self.text)
        if _nesting(tree) > MAX_NESTING:
            raise OptionError(f"where: {self.text!r:.200} is nested too deeply; join shorter conditions by &")
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "columns", tuple(dict.fromkeys(_columns(tree, names, self.text))))

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self.text,)

    def mask(self, batch: Batch) -> Mask:
        """The rows (n,) of which it is true.

        Raises ColumnError for a column that is not there, SchemaError where a comparison makes no sense.
        """
        columns = {name: arrow(batch._column(name)) for name in self.columns}
        value = _Evaluation(self, columns).value(self._tree)
        if not self.columns:
            raise OptionError(f"where: {self.text} names no column; write it {EXAMPLE}")
        if not is_boolean(value):
            raise OptionError(f"where: {self.text} is not true or false, but {kind(value)}; compare it, {EXAMPLE}")
        return raw(pc.fill_null(value, False).cast(pa.uint8())).astype(bool)

    def possible(self, bounds: Bounds, types: Mapping[str, Any]) -> bool:
        """Whether a row with values between these bounds can meet it; False only where none can."""
        return _Possible(self, bounds, types).of(self._tree)

    def name(self, node: ast.expr) -> str | None:
        """The column that a node stands for; None where it is none."""
        if isinstance(node, ast.Attribute):  # R's names may have dots
            head = self.name(node.value)
            return None if head is None else f"{head}.{node.attr}"
        return self._names.get(node.id, node.id) if isinstance(node, ast.Name) and node.id not in CONSTANTS else None

    def refuse(self, reason: str) -> NoReturn:
        """Raise SchemaError with the text of the condition."""
        raise SchemaError(f"where: {self.text}: {reason}")


def _parsed(text: str) -> tuple[ast.expr, dict[str, str]]:
    """The tree of a condition, and the columns that stand in backticks by their names in it."""
    names: dict[str, str] = {}

    def replaced(m: re.Match[str]) -> str:
        string, quoted, both, either, differs, negation, power, member, number = m.groups()
        if quoted is not None:
            names[f"_column_{len(names)}"] = quoted
            return f" _column_{len(names) - 1} "
        pairs = ((both, " and "), (either, " or "), (negation, " not "), (power, "**"), (member, " in "))
        return next((new for found, new in pairs if found is not None), string or differs or number)

    try:
        return ast.parse(TOKEN.sub(replaced, text).strip(), mode="eval").body, names
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise OptionError(f"where: {text!r:.200} is no condition; write it {EXAMPLE}") from error


def _nesting(tree: ast.expr) -> int:
    """How many parts stand within each other, counted level by level."""
    level, depth = [tree], 0
    while level := [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]:
        depth += 1
    return depth


def _columns(node: ast.AST, names: Mapping[str, str], text: str) -> list[str]:
    """The columns of a tree. Raises OptionError for what a condition may not contain."""
    match node:
        case ast.Name(id=name):
            return [] if name in CONSTANTS else [names.get(name, name)]
        case ast.Attribute(value=ast.Name() | ast.Attribute(), attr=attr):
            return [f"{_columns(node.value, names, text)[0]}.{attr}"]
        case ast.Constant(value=bool() | int() | float() | str()):
            return []
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name == "c" or (
            name in FUNCTIONS and len(arguments) == 1
        ):
            return [c for argument in arguments for c in _columns(argument, names, text)]
        case ast.Call(func=ast.Name(id=name)) if name not in FUNCTIONS:
            raise OptionError(f"where: there is no function '{name}'{did_you_mean(name, FUNCTIONS)}")
        case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd()):
            pass
        case ast.BinOp(op=operation) if type(operation) in ARITHMETIC:
            pass
        case ast.List() | ast.Tuple() | ast.Set():
            pass
        case ast.boolop() | ast.cmpop() | ast.operator() | ast.unaryop() | ast.expr_context():
            return []
        case _:
            raise OptionError(f"where: {text!r:.200} has more than comparisons of columns; write it {EXAMPLE}")
    return [c for child in ast.iter_child_nodes(node) for c in _columns(child, names, text)]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """The value of a condition for the rows of a batch. columns : name -> Arrow array."""

    condition: Condition
    columns: Mapping[str, Any]

    def value(self, node: ast.expr) -> Any:
        """Of a node: an Arrow array, or a constant of Python."""
        name = self.condition.name(node)
        if name is not None:
            return plain(self.columns[name])
        match node:
            case ast.Name(id=constant):
                return CONSTANTS[constant]
            case ast.Constant(value=value):
                return value
            case ast.BoolOp(op=operation, values=nodes):
                join = JOINS["&" if isinstance(operation, ast.And) else "|"]
                out = self._boolean(nodes[0])
                for other in nodes[1:]:
                    out = join(out, self._boolean(other))
                return out
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return pc.invert(self._boolean(operand))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._computed(pc.negate, operand)
            case ast.UnaryOp(operand=operand):
                return self.value(operand)
            case ast.BinOp(left=left, op=operation, right=right):
                return self._computed(ARITHMETIC[type(operation)], left, right)
            case ast.Call(func=ast.Name(id=function), args=[argument]) if function != "c":
                return self._computed(FUNCTIONS[function], argument)
            case ast.Compare():
                return self._compared(node)
        return self.condition.refuse("a list of values stands behind 'in' only")

    def _boolean(self, node: ast.expr) -> Any:
        """The value of a part that is joined with others."""
        value = self.value(node)
        if isinstance(value, bool) or is_boolean(value):
            return value
        return self.condition.refuse(f"'{ast.unparse(node)}' is not true or false")

    def _computed(self, function: Callable[..., Any], *nodes: ast.expr) -> Any:
        """A function of values. Raises SchemaError where the types have none."""
        values = [self.value(node) for node in nodes]
        # whole numbers would overflow, and divide without a remainder
        numbers = [
            pc.cast(v, pa.float64(), safe=False) if is_integer(v) and function is not pc.is_null else v for v in values
        ]
        numbers = [float(v) if type(v) is int else v for v in numbers]
        try:
            return function(*numbers)
        except FAILURES:
            return self.condition.refuse(f"this cannot be computed of {' and '.join(map(kind, values))}")

    def _compared(self, node: ast.Compare) -> Any:
        """Comparisons, a chain of them joined."""
        out, left = None, node.left
        for operation, right in zip(node.ops, node.comparators, strict=True):
            one = self._one(left, operation, right)
            out, left = one if out is None else pc.and_kleene(out, one), right
        return out

    def _one(self, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> Any:
        """One comparison."""
        try:
            if isinstance(operation, ast.In | ast.NotIn):
                options = _constants(right)
                if options is None:
                    return self.condition.refuse("behind 'in' stands a list of values, as in x in (1, 2)")
                found = among(self._side(left), options)
                return pc.invert(found) if isinstance(operation, ast.NotIn) else found
            if type(operation) not in COMPARISONS:
                return self.condition.refuse("'is' compares nothing: write ==, or is_null(x)")
            return compared(COMPARISONS[type(operation)], self._side(left), self._side(right))
        except ValueError as error:
            return self.condition.refuse(str(error))

    def _side(self, node: ast.expr) -> Any:
        """A side of a comparison; a column of codes as it is."""
        name = self.condition.name(node)
        return self.value(node) if name is None else self.columns[name]


def _constants(node: ast.expr) -> list[Any] | None:
    """The constants of a list, or one constant; None for anything else."""
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            pass
        case ast.Call(func=ast.Name(id="c"), args=parts):
            pass
        case _:
            parts = [node]
    out: list[Any] = []
    for part in parts:
        match part:
            case ast.Constant(value=value):
                out.append(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                out.append(-value)
            case ast.Name(id=name) if name in CONSTANTS:
                out.append(CONSTANTS[name])
            case _:
                return None
    return out


@dataclass(frozen=True, slots=True)
class _Possible:
    """Whether rows between bounds can meet a condition. types : name -> Arrow type."""

    condition: Condition
    bounds: Bounds
    types: Mapping[str, Any]

    def of(self, node: ast.expr) -> bool:
        """Of a node; True where that is not known."""
        match node:
            case ast.BoolOp(op=operation, values=nodes):
                return (all if isinstance(operation, ast.And) else any)(map(self.of, nodes))
            case ast.Compare(left=left, ops=operations, comparators=rights):
                pairs = zip([left, *rights], operations, rights, strict=False)
                return all(self._one(a, operation, b) for a, operation, b in pairs)
        return True

    def _one(self, left: ast.expr, operation: ast.cmpop, right: ast.expr) -> bool:
        """Of one comparison of a column with constants."""
        compares, name, constants = type(operation), self.condition.name(left), _constants(right)
        if name is None and self.condition.name(right) is not None:
            compares, name, constants = MIRRORED.get(compares, compares), self.condition.name(right), _constants(left)
        if name is None or constants is None or name not in self.types:
            return True
        bounds = self.bounds(name)
        possible = POSSIBLE[ast.Eq] if compares is ast.In else POSSIBLE.get(compares)
        if bounds is None or possible is None:
            return True
        try:
            values = [constant_of(constant, self.types[name]).as_py() for constant in constants]
            return any(possible(*bounds, value) for value in values)
        except (ValueError, TypeError):  # reading the rows says what is wrong
            return True
