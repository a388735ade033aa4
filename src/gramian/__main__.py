"""The command line, as `gramian` and as `python -m gramian`."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Load the command line, and run it.

    Ctrl-C ends the process at once as long as it loads: there is nothing to tidy up, and no traceback to read.
    """
    python_handles = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else who started it ignores Ctrl-C
    if python_handles:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from gramian.cli.main import main as run

    if python_handles:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
