"""Which compiled kernels are used: chosen once, when the first sum is formed.

The environment variable GRAMIAN_PURE=1 switches them off, GRAMIAN_KERNEL names one of the instruction sets instead of
the best of this processor.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ctypes

INTERFACE = 16  # gramian_interface() of the source
NAMES = {4: "v4", 3: "v3", 1: "portable"}  # gramian_instructions() of the source


@dataclass(frozen=True, slots=True)
class Library:
    """A loaded library.

    Attributes
    ----------
    name : str
        Its instruction set: v4 or v3 (of x86-64), or portable.
    functions : ctypes.CDLL
        Its functions; each call releases the interpreter lock.
    """

    name: str
    functions: ctypes.CDLL


@cache
def library() -> Library | None:
    """The library that this process uses; None where NumPy does the work."""
    if os.environ.get("GRAMIAN_PURE") == "1":
        return None
    return load(os.environ.get("GRAMIAN_KERNEL") or best() or "")


@cache
def best() -> str | None:
    """The quickest instruction set that this processor has; None without one that is quicker than NumPy."""
    portable = load("portable")
    return None if portable is None else NAMES.get(int(portable.functions.gramian_instructions()))


def available() -> list[str]:
    """The instruction sets that are compiled and that this processor has."""
    level = {name: number for number, name in NAMES.items()}
    most = level.get(best() or "", 1)
    return [name for name in NAMES.values() if level[name] <= most and load(name) is not None]


@cache
def load(name: str) -> Library | None:
    """The library of one instruction set; None where it was not compiled, or from another version of the source."""
    path = Path(__file__).with_name(f"_kernel_{name}.so")
    if not path.exists():
        return None
    import ctypes

    try:
        functions = ctypes.CDLL(str(path))
        if functions.gramian_interface() != INTERFACE:
            return None
    except (OSError, AttributeError):  # of another machine, damaged, or not ours
        return None
    _declare(functions, ctypes)
    return Library(name, functions)


def _declare(functions: Any, ctypes: Any) -> None:
    """Types of the arguments; addresses are passed as numbers."""
    address, number = ctypes.c_void_p, ctypes.c_int64
    functions.gramian_memory.restype = number
    functions.gramian_memory.argtypes = [number]
    functions.gramian_products.argtypes = [address, number, number, address, address, address, address]
    functions.gramian_products_and_cells.restype = number
    functions.gramian_products_and_cells.argtypes = [
        address, number, number, number, address, address, address, address, number, address, address
    ]  # fmt: skip
    functions.gramian_working_products.restype = ctypes.c_double
    functions.gramian_working_products.argtypes = [address, number, number, number, *[address] * 9]
    functions.gramian_twofold_times.argtypes = [address, address, number, address, address, address, address]
    functions.gramian_twofold_products.argtypes = [address, address, number, address, address, address, address]
    functions.gramian_residual_sums.argtypes = [number, address, address, number, *[address] * 6]
    functions.gramian_digits.argtypes = [address, number, number, address, address, number, address, number, address]
    functions.gramian_exact_memory.restype = number
    functions.gramian_exact_memory.argtypes = [number]
    functions.gramian_exact_products.argtypes = [address, number, number, *[address] * 4]
    functions.gramian_add_by_code.argtypes = [address, number, number, *[address] * 5]
    functions.gramian_add_cells.restype = number
    functions.gramian_add_cells.argtypes = [address, number, number, address, address, address]
    functions.gramian_different_keys.restype = number
    functions.gramian_different_keys.argtypes = [address, number]
    functions.gramian_cells_of_keys.restype = None
    functions.gramian_cells_of_keys.argtypes = [address, number, number, address, address, number, *[address] * 3]
    functions.gramian_components.restype = number
    functions.gramian_components.argtypes = [address, address, number, number, number, address]
    functions.gramian_sparse_times.argtypes = [address, address, number, address]
    functions.gramian_cg_move.argtypes = [number, number, *[address] * 7]
    functions.gramian_cg_turn.argtypes = [number, number, *[address] * 4]
    functions.gramian_column_products.argtypes = [number, number, *[address] * 3]
    for name in ("sparse_times", "cg_move", "cg_turn", "column_products"):
        getattr(functions, f"gramian_{name}").restype = None
    for name in ("release", "add_by_code", "digits", "products", "twofold_times", "twofold_products", "residual_sums"):
        getattr(functions, f"gramian_{name}").restype = None
    functions.gramian_exact_products.restype = None
