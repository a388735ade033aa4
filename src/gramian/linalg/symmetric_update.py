"""A'A of a wide block, added in place to one triangle of a matrix by dsyrk of SciPy's BLAS; the other one follows once.

Products that are made first and added then would need a second matrix of columns^2 numbers for every thread, and read
and write both for every block. `scipy.linalg.blas` is not used, because it holds the interpreter lock.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from gramian.typing import Matrix

ITEM = 8  # bytes of a float64
INTEGERS = "void (char *, char *, int *, int *,"  # how the declaration begins where BLAS counts in C's int


def add_to_upper(A: Matrix, out: Matrix) -> bool:
    """Add A'A to the upper triangle of out : (p, p), its rows contiguous; False, with nothing done, if that fails.

    A : (n, p) of finite values, its rows or its columns contiguous. What is below the diagonal stays as it is.
    """
    update, (n, p) = _dsyrk(), A.shape
    down, along = A.strides
    by_rows = along == ITEM and down >= ITEM * p
    by_columns = down == ITEM and along >= ITEM * n
    readable = A.dtype == np.float64 and A.flags.aligned and (by_rows or by_columns)
    if update is None or not readable or out.strides[1] != ITEM or max(down, along) % ITEM:
        return False
    # seen by columns, as BLAS does, a matrix that is stored by rows is its transpose
    step = (down if by_rows else along) // ITEM
    update(b"L", b"N" if by_rows else b"T", p, n, _at(A), step, _at(out), out.strides[0])
    return True


@cache
def _dsyrk() -> Callable[..., None] | None:
    """C := A A' + C of one triangle, with the arguments that vary; None where it is not as expected."""
    from scipy.linalg import cython_blas

    capsule = getattr(cython_blas, "__pyx_capi__", {}).get("dsyrk")
    if capsule is None:
        return None
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    name = api.PyCapsule_GetName(capsule)
    if not (name or b"").decode().startswith(INTEGERS):
        return None
    number, address = ctypes.POINTER(ctypes.c_int), ctypes.c_void_p
    real = ctypes.POINTER(ctypes.c_double)
    function: Any = ctypes.CFUNCTYPE(
        None, ctypes.c_char_p, ctypes.c_char_p, number, number, real, address, number, real, address, number
    )(api.PyCapsule_GetPointer(capsule, name))
    one, pointer, integer = ctypes.c_double(1.0), ctypes.byref, ctypes.c_int

    def update(uplo: bytes, trans: bytes, p: int, n: int, A: int, lda: int, C: int, row: int) -> None:
        """row : bytes of a row of C."""
        function(
            uplo, trans, pointer(integer(p)), pointer(integer(n)), pointer(one), A, pointer(integer(lda)),
            pointer(one), C, pointer(integer(row // ITEM)),
        )  # fmt: skip

    return update


def _at(array: np.ndarray) -> int:
    """The address of the first element."""
    return int(array.__array_interface__["data"][0])
