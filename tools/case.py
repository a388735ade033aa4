"""A case: a call, and the name that it has in the file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

Case: TypeAlias = tuple[str, Callable[[], object]]


def case(call: Callable[..., object], *given: Any, **options: Any) -> Case:
    """A call, named by what is given in words."""
    told = [repr(value) for value in given if isinstance(value, str | float | int)]
    return f"{call.__name__}({', '.join([*told, *(f'{k}={v!r}' for k, v in options.items())])})", partial(
        call, *given, **options
    )


def saved(made: Any) -> Path:
    """The file that a fit or a Gram was saved to."""
    path = Path("made.saved")
    made.save(path)
    return path
