"""A Gram with the rows of further files: those that it holds already are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gramian.batch import Source
from gramian.errors import DataError
from gramian.fit.gram.arithmetic import add_grams
from gramian.fit.gram.fit import fit_gram
from gramian.fit.gram.fit_groups import ExtraSums, fit_gram_with
from gramian.fit.gram.provenance import file_read, is_file, is_replaced
from gramian.fit.gram.sums import GramData
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.options import Options
from gramian.formula.grammar import parse
from gramian.inference.vcov_spec import vcov_spec
from gramian.linalg.exact.moments import ExactMoments


def new_files(gram_data: GramData, source: Source) -> list[str]:
    """Paths of the files of a source that are not in a Gram. No row is read.

    Raises DataError for data that are no files, and for a file that has changed since it was read.
    """
    if not source.inputs or not all(map(is_file, source.inputs)):
        raise DataError("only files are known again: read other data into a Gram of its own, and add it")
    stored = gram_data.provenance.multiplicity
    names, identities = {read.name: read for read in stored}, {(r.identity, r.size) for r in stored if r.identity}
    as_stored = {read: read for read in stored}
    new = []
    for read in source.inputs:
        file = file_read(read)
        same = as_stored.get(file)
        if (file.identity, file.size) in identities or (same is not None and not is_replaced(file, same)):
            continue
        if (before := names.get(file.name)) is not None:
            sizes = f"it had {before.size:,} bytes, and has {file.size:,}"
            sizes = sizes if same is None else f"it has {file.size:,} bytes as before, and others"
            raise DataError(
                f"has changed since its rows were added ({sizes}): subtract the Gram of the old file first", read.name
            )
        new.append(read.name)
    return new


def with_rows_of(gram_data: GramData, runner: PassRunner, *, decimal: bool = False) -> GramData:
    """The Gram with the rows of a source added, which are summed as its own were. Errors as of `gramian.gram`."""
    design, groups, clusters = gram_data.design, gram_data.group_sums, gram_data.clusters
    exact = isinstance(gram_data.moments, ExactMoments)
    options = replace(Options(), weights=design.weight, counts=design.count, exact=exact, decimal=decimal)
    formula = parse(design.formula)
    if groups is None and clusters is None:
        return add_grams(gram_data, fit_gram(formula, options, runner))
    by_cluster = None if clusters is None else vcov_spec({"cluster": list(clusters.by)})
    extra = ExtraSums(None if groups is None else groups.grouping, by_cluster)
    return add_grams(gram_data, fit_gram_with(formula, options, runner, extra))


def paths_text(paths: Sequence[str]) -> str:
    """How many files, in words."""
    return "1 new file" if len(paths) == 1 else f"{len(paths):,} new files"
