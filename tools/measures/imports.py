"""The graph of imports between files, and its circles."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from measures.layout import tree

Graph = Mapping[str, set[str]]


def import_graph(files: Iterable[Path], source: Path) -> dict[str, set[str]]:
    """Module -> modules of the same tree that it imports, also inside functions and under TYPE_CHECKING.

    An import leads to the file that is named. The `__init__.py` of the folders above it, which Python runs too, are not
    counted: they would join everything to the root.
    """
    modules = {module_name(file, source): file for file in files}
    return {name: set(_imported(name, file, modules)) - {name} for name, file in modules.items()}


def module_name(file: Path, source: Path) -> str:
    """Dotted name of a file; that of the folder for `__init__.py`."""
    parts = file.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(name: str, file: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            for alias in node.names:
                yield from [target for target in (f"{base}.{alias.name}", base) if target in modules][:1]


def _base(node: ast.ImportFrom, package: str) -> str:
    """Absolute name of what stands after `from`."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def circles(graph: Graph) -> list[list[str]]:
    """Sets of modules that reach one another (strongly connected, two or more), largest first."""
    found = [sorted(part) for part in _components(graph) if len(part) > 1]
    return sorted(found, key=lambda part: (-len(part), part))


def _components(graph: Graph) -> Iterator[set[str]]:
    """Kosaraju's algorithm: one depth-first walk along the arrows, and one against them from whatever was left last."""
    arrows_in: dict[str, set[str]] = {name: set() for name in graph}
    for name, targets in graph.items():
        for target in targets:
            arrows_in[target].add(name)
    left: dict[str, None] = {}
    seen: set[str] = set()
    for name in graph:
        left.update(dict.fromkeys(_walk(name, graph, seen)))
    seen.clear()
    for name in reversed(left):
        if part := set(_walk(name, arrows_in, seen)):
            yield part


def _walk(start: str, graph: Graph, seen: set[str]) -> Iterator[str]:
    """Modules reached from one, each when all behind it have been left; without recursion."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(sorted(graph[start])))]
    while stack:
        following = next((target for target in stack[-1][1] if target not in seen), None)
        if following is None:
            yield stack.pop()[0]
        else:
            seen.add(following)
            stack.append((following, iter(sorted(graph[following]))))
