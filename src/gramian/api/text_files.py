"""`gm.csv`: CSV files with what is known of how they are written."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gramian.data.csv.dialect import Dialect
from gramian.data.files import CsvFiles


def csv(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    sep: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    na_values: str | Sequence[str] = (),
    encoding: str = "utf-8",
    header: bool | int | Sequence[str] | None = True,
) -> CsvFiles:
    """CSV files as data, with what is known of how they are written; the options have the names of pandas.

    Parameters
    ----------
    paths : str, path or list of them
        Files, folders or patterns.
    sep : str, optional
        What separates fields. By default the comma, semicolon or tab that the first line has.
    decimal : str
        What stands before the decimals of a number.
    thousands : str, optional
        What groups the digits of a number: with "," the text 47,386.0 is a number.
    na_values : str or list of str
        Texts that are missing values, beside the usual ones (empty, NA, null, nan and the like).
    encoding : str
        Encoding of the text, such as "latin-1", "cp1252" or "utf-16".
    header : bool, int or list of str
        Whether the first line names the columns. Without (False or None), they are V1, V2 and so on. With a number the
        names are in the line after so many lines, which are skipped, so 0 is the first line. A list holds the names of
        the columns of a file that has none.

    Returns
    -------
    CsvFiles
        What every function takes as data.

    Raises
    ------
    OptionError
        For marks that are no single characters or not different, and for an encoding that is unknown.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.csv("sales.csv", sep=";", decimal=",", encoding="latin-1")
    CsvFiles('sales.csv', sep=';', decimal=',', encoding='iso8859-1')
    """
    nulls = (na_values,) if isinstance(na_values, str) else tuple(na_values)
    return CsvFiles(paths, Dialect(sep, decimal, thousands, nulls, encoding, header))  # type: ignore[arg-type]  # checked there
