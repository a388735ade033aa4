"""The command line as `python -m gramian`."""

from __future__ import annotations

import sys

from gramian.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
