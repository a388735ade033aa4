"""Build hook: compiles the kernels of sums into the wheel, or beside their source where the install is editable.

Without a compiler nothing is said and nothing is missing: NumPy does the same work.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

KERNELS = Path(__file__).parent / "src" / "gramian" / "kernels"
sys.path.insert(0, str(KERNELS))
from build import build  # noqa: E402  a file without imports of the package, which is not installed yet


class Kernels(BuildHookInterface[Any]):
    """The wheel's libraries. They are plain C, so one wheel serves every version of Python on a platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say which files the wheel gets and for which platform it is."""
        if version == "editable":
            build(KERNELS)
            return
        self.folder = tempfile.TemporaryDirectory()
        libraries = build(Path(self.folder.name))
        if libraries:
            build_data["force_include"].update({str(path): f"gramian/kernels/{path.name}" for path in libraries})
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the libraries that are in the wheel now."""
        if version != "editable":
            self.folder.cleanup()


def _platform() -> str:
    """The platform's name, without the promise to run on older systems that was not tested."""
    return next(t.platform for t in sys_tags() if not t.platform.startswith(("manylinux", "musllinux")))
