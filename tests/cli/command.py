"""How the command is started."""

from __future__ import annotations

import os
import sys

COMMAND = (sys.executable, "-m", "gramian")
UNSET = ("GRAMIAN_DEBUG", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
PLAIN = {name: value for name, value in os.environ.items() if name not in UNSET}
