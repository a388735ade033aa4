"""The trial: score many problems, add up by family, name the worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import nan
from statistics import median
from typing import Any

from findings import Check, Finding, check

from trial.answer import ABSENT, Answer
from trial.problem import Problem
from trial.problems import SHARES, problem
from trial.scoring import CAP, COEFFICIENT, KINDS, Figure, Score, score

SLACK = 2.5  # most, median, in digits
WORST = 15  # cases that are named


def tried(
    numbers: Iterable[int], fit: Callable[[Problem], Answer], seen: Callable[[Score], None] = lambda one: None
) -> list[Score]:
    """The scores of problems; each is shown to `seen`."""
    out = []
    for number in numbers:
        out.append(score(problem(number), fit))
        seen(out[-1])
    return out


def finding(scores: Sequence[Score], title: str) -> Finding:
    """The table by family, and whether the trial was passed."""
    families = [name for name in SHARES if any(s.family == name for s in scores)]
    rows = [_row(name, [s for s in scores if s.family == name]) for name in families]
    return Finding(
        title,
        ("family", "problems", "refused", "figures", "too much certified", "wrong", *(f"slack, {k}" for k in KINDS)),
        [*rows, _row("all", scores)],
        checks(scores),
        "\n".join(["Slack: medians of right minus certified digits, answers that were not refused.", *worst(scores)]),
        details={"problems": [_plain(s) for s in scores]},
    )


def checks(scores: Sequence[Score]) -> list[Check]:
    """No certificate above the truth, nothing wrong without a word, a median slack that is useful."""
    bad, wrong = sum(len(s.violations) for s in scores), sum(bool(s.wrong) for s in scores)
    slack = _slack([f for s in scores if not s.refusal for f in s.figures])
    refused = Counter(s.refusal for s in scores if s.refusal)
    told = ", ".join(f"{count} {why}" for why, count in refused.most_common()) or "none"
    absent = refused.get(ABSENT, 0)
    return [
        check("figures of which more digits are certified than are right", bad, "none", not bad),
        check("ranks, names or errors that are wrong", wrong, "none", not wrong),
        check("problems that could not be run", absent, "none", not absent),
        check("median slack of all figures", f"{slack:.2f}", f"below {SLACK:g}", slack < SLACK),
        check("refused", f"{sum(refused.values())} of {len(scores)} ({told})", "counted", held=True),
    ]


def worst(scores: Sequence[Score]) -> list[str]:
    """What is wrong and too much, then the largest slack, with numbers to ask again for."""
    lines = [f"{len(some)} wrong, {what}: problems {_first(some)}" for what, some in _grouped(scores).items()]
    bad = [(f.right - f.certified, s, f) for s in scores for f in s.violations]
    loose = [(-f.slack, s, f) for s in scores if not s.refusal for f in s.figures]
    for name, cases in (("too much certified", bad), ("largest slack", loose)):
        first: dict[int, str] = {}
        for _, s, f in sorted(cases, key=lambda case: case[0]):
            first.setdefault(s.number, f"{name}: problem {s.number} ({s.family}), {told(f)}")
        lines += list(first.values())[:WORST]
    return lines


def _grouped(scores: Sequence[Score]) -> dict[str, list[int]]:
    """Numbers of problems by what is wrong with them, columns not named."""
    out: dict[str, list[int]] = {}
    for s in scores:
        if s.wrong:
            what = s.wrong.partition(":")[0] if "pendent:" in s.wrong else s.wrong
            out.setdefault(what, []).append(s.number)
    return out


def _first(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:WORST])) + (", ..." if len(numbers) > WORST else "")


def told(f: Figure) -> str:
    """A figure in words."""
    name = "" if f.kind == f.name else f" of {f.name}"
    return f"{f.kind}{name}: {f.found!r} for {f.truth!r}, {f.right:.2f} digits right, {f.certified:.2f} certified"


def _row(name: str, scores: Sequence[Score]) -> tuple[str, ...]:
    figures = [f for s in scores for f in s.figures]
    certain = [f for s in scores if not s.refusal for f in s.figures]
    numbers = (
        len(scores),
        sum(bool(s.refusal) for s in scores),
        len(figures),
        sum(f.violated for f in figures),
        sum(bool(s.wrong) for s in scores),
    )
    slack = [_slack([f for f in certain if f.kind == kind]) for kind in KINDS]
    return name, *(f"{n:,}" for n in numbers), *(f"{v:.2f}" for v in slack)


def _slack(figures: Sequence[Figure]) -> float:
    return median(f.slack for f in figures) if figures else nan


def _plain(s: Score) -> dict[str, Any]:
    digits = {kind: [f for f in s.figures if f.kind == kind] for kind in KINDS}
    least = {kind: min(f.certified for f in some) for kind, some in digits.items() if some}
    return {
        "number": s.number,
        "family": s.family,
        "refusal": s.refusal,
        "wrong": s.wrong,
        "violations": [told(f) for f in s.violations],
        "certified": least,
        "right": {kind: min(min(max(f.right, 0.0), CAP) for f in some) for kind, some in digits.items() if some},
        "slack": [round(f.slack, 3) for f in digits[COEFFICIENT]],
        "tier": s.tier,
        "passes": s.passes,
        "seconds": s.seconds,
    }
