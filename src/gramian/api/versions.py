"""What a result depends on beside the data: `gramian.show_versions`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from gramian.kernels.library import library
from gramian.version import __version__

PACKAGES = ("numpy", "scipy", "pyarrow", "pandas", "polars", "duckdb", "scikit-learn")


def show_versions() -> None:
    """Print the versions of gramian and of what it computes with, the machine, and which kernels form the sums.

    "compiled sums" names the instruction set that was chosen for this processor; "none" means that NumPy does the same
    work, because the package was installed without a C++ compiler, or GRAMIAN_PURE=1 is set.
    """
    compiled = library()
    facts = {
        "gramian": __version__,
        "compiled sums": "none (NumPy)" if compiled is None else compiled.name,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
        **{name: found for name in PACKAGES if (found := _version(name)) is not None},
        **{f"BLAS of {str(info['filepath']).rpartition('/')[2]}": _described(info) for info in _blas()},
    }
    width = max(map(len, facts))
    print("\n".join(f"{name:<{width}}  {value}" for name, value in facts.items()))


def _version(package: str) -> str | None:
    """The installed version; None without the package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _blas() -> list[dict[str, object]]:
    """What threadpoolctl knows of the BLAS libraries of this process."""
    import scipy.linalg  # noqa: F401  loads its BLAS, which would not be seen before

    return [info for info in threadpool_info() if info["user_api"] == "blas"]


def _described(info: dict[str, object]) -> str:
    """Name, version, kernel and threads of a BLAS library."""
    return f"{info['internal_api']} {info['version']}, {info.get('architecture')}, {info['num_threads']} threads"
