"""Linear models by whichever solver fits: products of columns, products of rows, or an iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gramian.batch import Source
from gramian.errors import NotIdentifiedError, OptionError
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.memory import COPIES, MAX_UNCHECKED_COLUMNS, format_bytes, memory_limit, width_limit
from gramian.fit.passes.options import Options
from gramian.fit.wide.design import wide_columns
from gramian.formula.expand import MAX_TERMS
from gramian.formula.grammar import Formula
from gramian.formula.syntax import Dot, leaves, names
from gramian.inference.vcov_spec import VcovSpec
from gramian.schema import SPARSE, Schema

if TYPE_CHECKING:
    from gramian.fit.passes.plan import Plan
    from gramian.fit.wide.solution import WideSolved

QUICK = 2e11  # multiplications that take a few seconds
STEPS = 60  # expected steps of an iteration on well-conditioned columns
SLOWER = 20.0  # how many times as many multiplications products may take before an iteration is preferred
MANY, FEWER = 1000, 4  # columns, and how many times as many as rows, from which on rows are multiplied with rows
ENTRY = 12  # bytes of an entry of a sparse matrix: a float64 and an int32 position


@dataclass(frozen=True, slots=True)
class SolverChoice:
    """A choice of solver.

    Attributes
    ----------
    solver : str
        "gram" (products of columns), "iterative" or "dual" (products of rows).
    reasons : tuple of str
        Why, in words.
    """

    solver: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a wide problem, before anything is read.

    Attributes
    ----------
    rows : int or None
        Rows of the source, None where unknown.
    columns : int
        Columns of the formula's matrices.
    entries : float
        Entries that are not zero, estimated.
    sparse : bool
        Whether a matrix is sparse.
    """

    rows: int | None
    columns: int
    entries: float
    sparse: bool

    @property
    def products(self) -> float:
        """Multiplications for the products of columns, n p^2 / 2, and for solving with them, p^3."""
        return (self.rows or 0) * float(self.columns) ** 2 / 2 + float(self.columns) ** 3

    @property
    def step(self) -> float:
        """Multiplications of one iteration step: products with X and X', for the step and for the eigenvalue bound."""
        return 4.0 * self.entries

    @property
    def narrow(self) -> bool:
        """Whether there are so few rows that products of rows are far cheaper than products of columns."""
        return self.rows is not None and self.columns >= MANY and FEWER * self.rows <= self.columns

    @property
    def wide(self) -> bool:
        """Whether there are fewer rows than columns."""
        return self.rows is not None and self.rows < self.columns


def fit_wide(formula: Formula, options: Options, runner: PassRunner, *, iid: bool) -> WideSolved | None:
    """A fit by a wide solver; None where products of columns are the better choice."""
    choice = choose(formula, runner.source, options, iid=iid)
    if choice.solver == "gram":
        return None
    from gramian.fit.wide.fit import fit_by

    return fit_by(choice, formula, options, runner)


def plan_any_solver(formula: Formula, options: Options, runner: PassRunner, vcov: VcovSpec | None) -> Plan:
    """Choose a solver and plan the fit; reads no rows."""
    from gramian.fit.linear.plan import plan_linear
    from gramian.fit.passes.job import job_of
    from gramian.fit.wide.plan import plan_wide, with_choice

    choice = choose(formula, runner.source, options, iid=vcov is None)
    if choice.solver == "gram":
        job = job_of(formula, options, runner, absorbing=not options.exact)
        return with_choice(plan_linear(job, vcov), choice)
    return plan_wide(formula, options, runner, choice)


def choose(formula: Formula, source: Source, options: Options, *, iid: bool = True) -> SolverChoice:
    """The solver that was asked for, or the best one for the problem.

    Parameters
    ----------
    formula : Formula
        The formula.
    source : Source
        The rows, of which only schema and size are read.
    options : Options
        Options of the fit.
    iid : bool
        Whether the plain covariance was asked for.

    Raises
    ------
    OptionError
        Where a solver was asked for that does not support another option.
    NotIdentifiedError
        For more columns than rows without a penalty.
    """
    if options.solver != "auto":
        _check(options, iid=iid)
        if options.solver == "gram" and source.schema.matrices:
            _check_width(shape_of(formula, source))
        return SolverChoice(options.solver, (f'solver="{options.solver}" was asked for',))
    # only products of columns have exact sums, and a covariance matrix
    if options.exact or options.decimal or not iid:
        return SolverChoice("gram")
    shape = shape_of(formula, source)
    quick = shape.products <= QUICK and not (shape.narrow and _dual_applies(options))
    if quick and shape.columns <= MAX_UNCHECKED_COLUMNS:
        return SolverChoice("gram")
    # both limits hold: memory for the products, and the number of terms that a formula may expand to
    limit = min(width_limit(), MAX_TERMS)
    if quick and shape.columns < limit:
        return SolverChoice("gram")
    return _weigh(shape, limit, options)


def _weigh(shape: Shape, limit: int, options: Options) -> SolverChoice:
    """The solver for a problem that is too large for the plain way, with reasons."""
    fits = shape.columns < limit
    memory = _memory(shape, fits=fits)
    if shape.wide and shape.rows is not None and shape.rows < width_limit() and _dual_applies(options):
        why = f"{shape.rows:,} rows are fewer than {shape.columns:,} columns: products of rows are the smaller ones"
        return SolverChoice("dual", (memory, why))
    if shape.wide and options.alpha is None:
        raise NotIdentifiedError(
            f"{shape.columns:,} columns are more than {shape.rows:,} rows, so they do not determine the coefficients; "
            'add a ridge penalty, or take the shortest solution by collinear="min-norm"'
        )
    if not fits:
        return SolverChoice("iterative", (memory, *_density(shape)))
    # dense products run near the peak of the processor, steps near the speed of memory: hence the factor
    if shape.sparse and shape.products > SLOWER * STEPS * shape.step:
        return SolverChoice(
            "iterative", (*_density(shape), f"products would take {shape.products:.1e} multiplications")
        )
    return SolverChoice("gram", (memory,))


def _memory(shape: Shape, *, fits: bool) -> str:
    """Text about the memory that products of columns take."""
    needed = format_bytes(8 * COPIES * shape.columns**2)
    return (
        f"products of {shape.columns:,} columns take {needed} while they are solved, "
        f"{'within' if fits else 'beyond'} the limit of {format_bytes(memory_limit())} (half of what is free) or of "
        f"{MAX_TERMS:,} columns"
    )


def _check_width(shape: Shape) -> None:
    """Raise OptionError where products of columns do not fit into memory."""
    if shape.columns >= min(width_limit(), MAX_TERMS):
        raise OptionError(f'{_memory(shape, fits=False)}; leave solver="gram" out, and another is chosen')


def _density(shape: Shape) -> tuple[str, ...]:
    """Text about the cost of a step."""
    if not shape.sparse or not shape.rows:
        return (f"an iteration takes about {STEPS} steps where columns are of no great condition",)
    share = 100.0 * shape.entries / (shape.rows * shape.columns)
    density = f"{share:.2g} % of the entries are not zero"
    return (f"{density}: a step takes {shape.step:.1e} multiplications, and about {STEPS} are expected",)


def _dual_applies(options: Options) -> bool:
    """Whether the dual solver has an answer: with a ridge penalty, or for the solution of least norm."""
    return bool(options.alpha) or (options.alpha is None and options.collinear == "min-norm")


def shape_of(formula: Formula, source: Source) -> Shape:
    """The size of a problem, from formula, schema and file sizes."""
    schema = source.schema
    columns = wide_columns(formula, schema) if schema.matrices else _single_columns(formula, schema)
    sparse = any(f.type.startswith(SPARSE) for f in schema.wide.values())
    dense = float(source.rows or 0) * columns
    # rough, but only orders of magnitude matter here: the bytes of the source divided by those of an entry
    entries = min(dense, source.size / ENTRY) if sparse and source.size else dense
    return Shape(source.rows, columns, entries, sparse)


def _single_columns(formula: Formula, schema: Schema) -> int:
    """Number of columns without matrices: all with `.`, else as many as occur in the formula."""
    parts = list(leaves(formula.terms))
    nodes = [part for part in parts if not isinstance(part, Dot)]
    return len(names(*nodes)) if len(nodes) == len(parts) else schema.count - 1


def _check(options: Options, *, iid: bool) -> None:
    """Raise OptionError where the solver that was asked for does not support another option."""
    if options.solver == "gram":
        return
    if options.exact or options.decimal:
        raise OptionError(f'solver="{options.solver}" has no exact sums; use solver="gram" with exact or decimal')
    if not iid:
        raise OptionError(f'vcov goes with solver="gram": solver="{options.solver}" makes no covariance')
    if options.solver == "dual" and not _dual_applies(options):
        raise OptionError(
            'solver="dual" needs a ridge penalty above 0, or collinear="min-norm" for the shortest solution'
        )
    if options.solver == "iterative" and options.collinear == "min-norm":
        raise OptionError('solver="iterative" does not find the minimum-norm solution; use "gram" or "dual"')
