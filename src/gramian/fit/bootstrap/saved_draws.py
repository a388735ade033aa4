"""Base of results of draws that can be saved."""

from __future__ import annotations

from os import PathLike
from typing import Any, ClassVar

from gramian.serialize.codec import Codec


class SavedDraws:
    """A result of draws that `save` writes and `gramian.load` reads.

    saved_as : the kind of file.
    """

    __slots__ = ()
    saved_as: ClassVar[str]

    @classmethod
    def _codec(cls) -> Codec[Any]:
        """What a file holds; made only where one is written or read."""
        raise NotImplementedError

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
        from gramian.serialize import file as store  # most draws are not saved

        store.save(path, self.saved_as, *self._codec().dump(self))
