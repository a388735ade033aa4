"""Races of linear models against others, and their peak memory, each with its bar.

python benchmarks/one_pass.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys

import memory
from command import Program, main
from contenders import RACES

PROGRAM = Program(
    "one-pass",
    "Linear models: ratios of times, each measured in one run; peak memory.",
    RACES,
    {"memory": memory.linear},
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
