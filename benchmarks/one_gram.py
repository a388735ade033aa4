"""What moments give without the data: races of models from sums against others, and how right they are, each with its
bar.

python benchmarks/one_gram.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys

import kept
import penalties
from command import Program, main

PROGRAM = Program(
    "one-gram",
    "Models from moments, without the data: ratios of times, each measured in one run.",
    {**penalties.RACES, **kept.RACES},
    penalties.FINDINGS,
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
