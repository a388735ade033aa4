"""The name of a table, or a query, as the user wrote it; what is neither, or gives other rows each time, is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gramian.data.sql.dialects import Dialect
from gramian.errors import MissingExtraError, OptionError

try:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
except ImportError as error:
    raise MissingExtraError("sqlglot", "sql") from error

PLAIN, QUOTED = r"[^\W\d][\w$]*", r'"(?:[^"\0]|"")+"'
TABLE = re.compile(rf"(?:{PLAIN}|{QUOTED})(?:\.(?:{PLAIN}|{QUOTED}))*")
PART = re.compile(rf"{PLAIN}|{QUOTED}")
QUERY = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:select|with|from)\b", re.IGNORECASE | re.DOTALL)
NAMED_ROWS = "gramian_rows"  # the name of a query inside the queries that are made of it
WRITES = (
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Command,
    exp.Into,
    exp.Lock,
)
# functions whose value differs from one reading to the next: by their class in sqlglot, and by name
VARYING = tuple(
    getattr(exp, name)
    for name in (
        "Rand", "Randn", "RandStr", "Uuid", "CurrentDate", "CurrentTime", "CurrentTimestamp", "CurrentDatetime",
        "Localtime", "Localtimestamp", "NextValueFor", "UnixTimestamp",
    )
    if hasattr(exp, name)
)  # fmt: skip
VARYING_NAMES = frozenset(
    [
        "random",
        "rand",
        "randomblob",
        "setseed",
        "nextval",
        "now",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "timeofday",
        "gen_random_uuid",
        "uuid",
        "uuidv4",
        "uuidv7",
        "newid",
        "sysdate",
        "getdate",
        "get_current_timestamp",
        "today",
        "txid_current",
        "pg_sleep",
    ]
)
DETERMINISTIC = "a fit reads it more than once, and every time the rows must be the same"


@dataclass(frozen=True, slots=True)
class Relation:
    """What is read: a table or a query.

    Attributes
    ----------
    text : str
        As the user wrote it.
    parts : tuple of str
        The names of which a table's name consists; none for a query.
    """

    text: str
    parts: tuple[str, ...] = ()

    @property
    def table(self) -> exp.Table:
        """What stands behind FROM."""
        parts = self.parts or (NAMED_ROWS,)
        return exp.Table(**dict(zip(("this", "db", "catalog"), map(_identifier, reversed(parts)), strict=False)))

    def sql(self, query: exp.Expression, dialect: Dialect, own: Dialect | None = None, *, pretty: bool = False) -> str:
        """The text of a query over this relation; a query of the user stands in it as it was written.

        own : the dialect of the user's query, which is translated where it is another one. pretty : whether there are
        several lines.
        """
        text: str = query.sql(dialect=dialect.name, pretty=pretty)
        if self.parts:
            return text
        name = exp.to_identifier(NAMED_ROWS, quoted=True).sql(dialect=dialect.name)
        rows = self.text
        if own is not None and own.name != dialect.name:
            (rows,) = sqlglot.transpile(rows, read=own.name, write=dialect.name)
        return f"WITH {name} AS (\n{rows}\n)\n{text}"


def relation_of(text: str, dialect: Dialect) -> Relation:
    """A table or query. Raises OptionError for anything else, and for a query whose rows may differ at each reading."""
    stripped = text.strip().rstrip(";").rstrip()
    if TABLE.fullmatch(stripped):
        parts = tuple(PART.findall(stripped))
        if len(parts) <= 3:
            return Relation(stripped, parts)
    if not QUERY.match(stripped):
        raise OptionError(
            f"'{_short(text)}' is neither the name of a table nor a SELECT; a name with other characters than letters "
            "and digits stands in double quotes, as in '\"my table\"'"
        )
    try:
        statements = [s for s in sqlglot.parse(stripped, dialect=dialect.name) if s is not None]
    except SqlglotError as error:
        raise OptionError(f"the query '{_short(text)}' cannot be read as {dialect.title}: {_first(error)}") from error
    if len(statements) != 1:
        raise OptionError(f"'{_short(text)}' is {len(statements)} statements; one SELECT is wanted")
    for problem in _problems(statements[0]):
        raise OptionError(f"the query '{_short(text)}' {problem}")
    return Relation(stripped)


def _problems(query: exp.Expression) -> Iterator[str]:
    """Why a statement cannot be data."""
    if not isinstance(query, exp.Query) or (written := query.find(*WRITES)) is not None:
        found = query if not isinstance(query, exp.Query) else written
        yield f"is no SELECT alone ({type(found).__name__.upper()} is in it); data are only read"
    for function in query.find_all(exp.Func):
        name = function.name if isinstance(function, exp.Anonymous) else function.sql_name()
        if isinstance(function, VARYING) or name.lower() in VARYING_NAMES or _says_now(function):
            yield f"calls {name.lower()}, which gives another value each time: {DETERMINISTIC}; write the value itself"
    for sample in query.find_all(exp.TableSample):
        if sample.args.get("seed") is None:
            yield f"takes a random sample (TABLESAMPLE): {DETERMINISTIC}; write the sample to a table"
    for limit in query.find_all(exp.Limit, exp.Fetch, exp.Offset):
        if limit.parent is not None and limit.parent.args.get("order") is None:
            yield f"takes some rows by LIMIT without ORDER BY: {DETERMINISTIC}; add an ORDER BY that has no ties"


def _says_now(function: exp.Expression) -> bool:
    """Whether a function of dates takes the text 'now' or 'today'."""
    literals = (node for node in function.iter_expressions() if isinstance(node, exp.Literal) and node.is_string)
    return any(node.name.lower() in ("now", "today", "tomorrow", "yesterday") for node in literals)


def _identifier(part: str) -> exp.Identifier:
    """One part of a table's name: as it is written, for each database folds names without quotes in its own way."""
    if part.startswith('"'):
        return exp.to_identifier(part[1:-1].replace('""', '"'), quoted=True)
    return exp.to_identifier(part, quoted=part == NAMED_ROWS)


def _short(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:60]}..."


def _first(error: Exception) -> str:
    """The first line of a message, without the marks of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().partition("\n")[0]
