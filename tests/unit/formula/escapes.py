"""Run by test_escapes: hostile formulas under an audit hook; prints what happened that should not."""

import sys

from gramian.errors import ColumnError, FormulaError
from gramian.formula.expand import expand
from gramian.formula.grammar import parse
from gramian.formula.syntax import label

ATTEMPTS = [
    "__import__('os')",
    "__import__('os').system('id')",
    "I(__import__('os'))",
    "().__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__",
    "x.__class__.__mro__",
    "x.__class__()",
    "I(x.__class__)",
    "__builtins__",
    "__builtins__['eval']('1')",
    "eval(x)",
    "eval('1 + 1')",
    "exec('import os')",
    "compile('1', '', 'eval')",
    "open('/etc/passwd')",
    'I(open("x"))',
    "log(open('x'))",
    "getattr(x, 'real')",
    "globals()",
    "vars(x)",
    "f'{x}'",
    "I(f'{x.__class__}')",
    "'{0.__class__}'.format(x)",
    "C(x, ref='{0.__class__}')",
    "C(x, ref=open('x'))",
    "poly(x, __import__('os'))",
    "poly(x, 2, raw=exec('1'))",
    "lambda: x",
    "I(lambda x: x)",
    "(lambda: x)()",
    "[x for x in y]",
    "{x: 1}",
    "I(x if x else y)",
    "x; import os",
    "x\nimport os",
    "x # comment",
    "`x'); import os; ('`",
    "`__import__('os')`",
    "log.__call__(x)",
    "np.log(x)",
    "I(np.load('x'))",
    "@x",
    "x := 3",
    "I(x := 3)",
    "\uff49mport(x)",
    "ｅｖａｌ(x)",
    "ｌｏｇ(x)",
    "x\u200b",
    "x\u202e",
    "x\ud800",
    "x\x00",
    "\x00",
    "`x\x00`",
    "I(x^1e308)",
    "I(9^9^9^9^9^9)",
    "x^99999999999999999999",
    "(x + y)^1e300",
    "poly(x, 1e9)",
    "I(" * 5_000 + "x" + ")" * 5_000,
    "(" * 50_000,
    "-" * 90_000 + "x",
    "+" * 90_000,
    "x^" * 40_000 + "x",
    "I(" + "x+" * 40_000 + "x)",
    "x:" * 40_000 + "x",
    "`" * 50_001,
    "'" * 50_001,
    "\\" * 1_000,
    "%s%n%x",
    "{0}",
    "${x}",
]
FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "open",
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "pickle.",
    "code.",
    "shutil.",
)
COLUMNS = ("y", "x", "x.__class__")
events: list[str] = []


def listen(event, arguments):
    if event.startswith(FORBIDDEN):
        events.append(f"{event} {arguments!r:.100}")


def attempt(text):
    try:
        expanded = expand(parse(text), COLUMNS, {})
        return [label(node) for term in expanded.terms for node in term]
    except (FormulaError, ColumnError) as refused:
        return str(refused)


def main():
    warm_up = [attempt(text) for text in ("y ~ log(x)", "y ~ lgo(x)", "y ~ w")]
    sys.addaudithook(listen)
    for text in ATTEMPTS:
        for formula in (f"y ~ {text}", f"{text} ~ x", text):
            outcome = attempt(formula)
            if events or not outcome or len(outcome) > 1_000:
                listed = list(events)
                events.clear()
                sys.stdout.write(f"{formula[:100]!a}: {listed} {len(outcome)}\n")
    sys.stdout.write(f"{len(ATTEMPTS)} attempts, {len(warm_up)} warm\n")


main()
