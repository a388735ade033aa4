"""What the keywords of C(), factor() and i() ask for."""

from __future__ import annotations

from gramian.errors import FormulaError
from gramian.formula.contrasts.matrices import TREATMENT
from gramian.formula.functions import literal_values
from gramian.formula.syntax import Call, Text, label
from gramian.typing import Level


def contrast_of(node: Call) -> str:
    """The contrast that C() asks for, treatment by default; FormulaError with `ref=` beside it."""
    keywords = dict(node.keywords)
    contrast = keywords.get("contrast")
    if contrast is not None and "ref" in keywords:
        raise FormulaError(f"{label(node)}: only treatment contrasts have a reference level; leave ref or contrast out")
    return contrast.value if isinstance(contrast, Text) else TREATMENT


def reference_levels(node: Call) -> tuple[Level, ...]:
    """The levels that `ref=` names, with the type of levels: an integer where the number is one."""
    reference = dict(node.keywords).get("ref")
    values = () if reference is None else literal_values(reference)
    return tuple(dict.fromkeys(int(v) if isinstance(v, float) and v.is_integer() else v for v in values))
