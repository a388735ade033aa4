"""Sigmoids: races of logistic regressions, their passes and memory, and how right generalized linear models, curves
and counts are, each with its bar.

python benchmarks/sigmoid.py [--only NAME]... [--rounds N] [--quick] [--json FILE]
"""

from __future__ import annotations

import sys

from agreement import agreement
from command import Program, main
from logistic import RACES
from loops import loops
from nist import nist
from passes import parquet, rare
from separated import separation

FINDINGS = {
    "parquet": parquet,
    "rare": rare,
    "agreement": agreement,
    "separation": separation,
    "nist": nist,
    "compare": loops,
}
PROGRAM = Program("sigmoid", "Logistic regressions against others; passes, memory, digits.", RACES, FINDINGS)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
