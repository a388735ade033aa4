"""The queries of a model as text, for people, and for databases that nothing here is connected to."""

from __future__ import annotations

from gramian.data.sql.dialects import Dialect
from gramian.data.sql.source import Table
from gramian.data.unify_schema import schema_of
from gramian.errors import OptionError
from gramian.fit.database.queries import Queries
from gramian.fit.database.sums import monomials_of
from gramian.fit.database.values import NotSqlError, values_of
from gramian.fit.passes.job import design_for
from gramian.fit.passes.options import Options


def queries_text(formula: str, table: Table, options: Options, dialect: Dialect) -> str:
    """Both queries of a model, the means as parameters. Raises OptionError where they cannot say what it needs."""
    design = design_for(formula, schema_of(table.types, {}), options, multiple_outcomes=True)
    try:
        queries = Queries(table, values_of(design, table, dialect), dialect)
    except NotSqlError as error:
        raise OptionError(f"no query makes the sums of {formula}: {error}") from error
    first = queries.survey_sql(queries.survey(), pretty=True)
    second = queries.sums_sql(tuple(design.terms.factors), monomials_of(design), None, pretty=True)
    return f"{first};\n\n{second};"
