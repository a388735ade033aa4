"""Base of results of draws that can be saved."""

from __future__ import annotations

from os import PathLike


class SavedDraws:
    """A result of draws that `save` writes and `gramian.load` reads."""

    __slots__ = ()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the result with all of its draws to a file that `gramian.load` reads.

        Parameters
        ----------
        path : str or path-like
            File to write; an existing one is replaced.

        Raises
        ------
        ArtifactError
            Where the file cannot be written.
        """
        from gramian.fit.bootstrap.save import KIND_OF, KINDS  # most draws are not saved
        from gramian.serialize import file as store

        kind = KIND_OF[type(self)]
        store.save(path, kind, *KINDS[kind].dump(self))
