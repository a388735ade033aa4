"""Compiles the expression of a curve into a program, and finds the parameters that it is linear in."""

from __future__ import annotations

from collections.abc import Iterable, Set

from gramian.formula.functions import IDENTITY_FUNCTIONS
from gramian.formula.syntax import Binary, Call, Name, Negative, Node, Number, children, label, names
from gramian.models.forward import Program, Step

ONE = Number(1.0)
Parts = dict[str | None, Node]  # parameter -> what it is multiplied by; None -> what stands alone


def affine(node: Node, parameters: Iterable[str]) -> tuple[tuple[str, ...], Parts]:
    """Parameters in which a curve is jointly linear, and the curve as an affine function of them.

    curve = parts[None] + sum over the chosen parameters of parameter * parts[parameter]. Parameters are tried in order
    and taken while the curve stays linear in all of them: of `a * (b + c*x)` that is a alone. For these, least squares
    has a closed form (variable projection, G. H. Golub and V. Pereyra, SIAM Journal on Numerical Analysis 10 (1973)).
    """
    chosen: tuple[str, ...] = ()
    parts: Parts = {None: node}
    for name in parameters:
        longer = _parts(node, {*chosen, name})
        if longer is not None:
            chosen, parts = (*chosen, name), longer
    return chosen, parts


def _parts(node: Node, linear: Set[str]) -> Parts | None:
    """Parts of an expression as an affine function of the `linear` parameters; None where it is not affine."""
    if linear.isdisjoint(names(node)):
        return {None: node}
    match node:
        case Name():
            return {node.name: ONE}
        case Negative():
            below = _parts(node.operand, linear)
            return None if below is None else {k: Negative(p) for k, p in below.items()}
        case Binary(op="+" | "-"):
            return _added(node.op, _parts(node.left, linear), _parts(node.right, linear))
        case Binary(op="*") if linear.isdisjoint(names(node.left)):
            below = _parts(node.right, linear)
            return None if below is None else {k: _times(node.left, p) for k, p in below.items()}
        case Binary(op="*") if linear.isdisjoint(names(node.right)):
            below = _parts(node.left, linear)
            return None if below is None else {k: _times(p, node.right) for k, p in below.items()}
        case Binary(op="/") if linear.isdisjoint(names(node.right)):
            below = _parts(node.left, linear)
            return None if below is None else {k: Binary("/", p, node.right) for k, p in below.items()}
        case Call() if node.function in IDENTITY_FUNCTIONS:
            return _parts(node.arguments[0], linear)
    return None


def _added(op: str, left: Parts | None, right: Parts | None) -> Parts | None:
    """Parts of a sum or difference."""
    if left is None or right is None:
        return None
    out = dict(left)
    for key, part in right.items():
        if key in out:
            out[key] = Binary(op, out[key], part)
        else:
            out[key] = part if op == "+" else Negative(part)
    return out


def _times(left: Node, right: Node) -> Node:
    """A product, without factors of 1."""
    if left == ONE or right == ONE:
        return right if left == ONE else left
    return Binary("*", left, right)


def compiled(nodes: Iterable[Node], nonlinear: tuple[str, ...], parameters: Set[str]) -> tuple[Program, list[Node]]:
    """Compile expressions into one program.

    Parameters
    ----------
    nodes : Iterable[Node]
        The expressions, which become the outputs.
    nonlinear : tuple of str
        Parameters in the order of the program's parameter slots.
    parameters : set of str
        All parameters; the other names are columns.

    Returns
    -------
    program : Program
        Every operation occurs once, however often the expressions contain it.
    inputs : list of Node
        Expressions of columns that the program takes as inputs: the largest subexpressions without parameters. They are
        evaluated once for each row, and a row where one is null is dropped, as in a linear model.
    """
    trees = list(nodes)
    inputs: dict[str, Node] = {}
    constants: dict[float, int] = {}
    for tree in trees:
        _leaves(tree, parameters, inputs, constants)
    builder = _Builder(parameters, list(inputs), nonlinear, list(constants))
    outputs = tuple(builder.slot(tree) for tree in trees)
    program = Program(len(inputs), len(nonlinear), tuple(constants), tuple(builder.steps), outputs)
    return program, list(inputs.values())


def _leaves(node: Node, parameters: Set[str], inputs: dict[str, Node], constants: dict[float, int]) -> None:
    """Collect the inputs and constants of an expression."""
    if isinstance(node, Number):
        constants[node.value] = len(constants)
    elif _is_input(node, parameters):
        inputs[label(node)] = node
    else:
        for child in children(node):
            _leaves(child, parameters, inputs, constants)


def _is_input(node: Node, parameters: Set[str]) -> bool:
    """Whether an expression uses columns and no parameters."""
    used = names(node)
    return bool(used) and parameters.isdisjoint(used)


class _Builder:
    """Assigns slots to inputs, parameters, constants and steps, in this order; equal steps share a slot."""

    def __init__(
        self, parameters: Set[str], inputs: list[str], nonlinear: tuple[str, ...], constants: list[float]
    ) -> None:
        self.parameters = parameters
        self.inputs = {text: at for at, text in enumerate(inputs)}
        self.nonlinear = {name: len(inputs) + at for at, name in enumerate(nonlinear)}
        before = len(inputs) + len(nonlinear)
        self.constants = {value: before + at for at, value in enumerate(constants)}
        self.first = before + len(constants)
        self.steps: list[Step] = []
        self.slots_by_step: dict[Step, int] = {}

    def slot(self, node: Node) -> int:
        """The slot that holds the value of an expression, with the steps to compute it appended."""
        if isinstance(node, Number):
            return self.constants[node.value]
        if _is_input(node, self.parameters):
            return self.inputs[label(node)]
        match node:
            case Name():
                return self.nonlinear[node.name]
            case Negative():
                return self._step("negative", node.operand)
            case Binary():
                return self._step(node.op, node.left, node.right)
            case Call() if node.function in IDENTITY_FUNCTIONS:
                return self.slot(node.arguments[0])
            case Call():
                return self._step(node.function, *node.arguments)
        raise TypeError(f"no operation: {node}")

    def _step(self, operation: str, *nodes: Node) -> int:
        """The slot of an operation on the values of nodes."""
        # operands first: their slots must exist before this step
        step = Step(operation, tuple(self.slot(n) for n in nodes))
        if step not in self.slots_by_step:
            self.slots_by_step[step] = self.first + len(self.steps)
            self.steps.append(step)
        return self.slots_by_step[step]
