"""What happens when modules of ours are imported in a given order, reckoned from their sources: nothing is run, so it takes no time.

Two modules that take names from each other work or fail by which comes first, and tests have imported everything already.
"""

import ast
from collections.abc import Iterator, Mapping

from tests.unit.house.sources import Source

Function = ast.FunctionDef | ast.AsyncFunctionDef


def module_of(source: Source) -> str:
    return source.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class Interpreter:
    """A process in which nothing of ours is imported yet. `missing`: names that were not there when they were asked for."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._trees = trees
        self._names: dict[str, set[str]] = {}
        self.missing: list[str] = []

    def run(self, node: ast.stmt, within: str = "") -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    self._load(alias.name)
            case ast.ImportFrom(module=str(module)):
                self._take(node, module, within)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return
            case ast.If() | ast.Try() | ast.With() | ast.For():
                for one in (one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)):
                    self.run(one, within)
        self._names.setdefault(within, set()).update(_bound(node))

    def _take(self, node: ast.ImportFrom, module: str, within: str) -> None:
        self._load(module)
        for alias in node.names:
            if f"{module}.{alias.name}" in self._trees:
                self._load(f"{module}.{alias.name}")
            elif module in self._trees and alias.name not in self._names[module]:
                self.missing.append(f"{within or 'here'} takes {alias.name} of {module}, which waits for it")
            self._names.setdefault(within, set()).add(alias.asname or alias.name)

    def _load(self, module: str) -> None:
        parent = module.rpartition(".")[0]
        if parent in self._trees:
            self._load(parent)
        if module not in self._trees or module in self._names:
            return
        self._names[module] = {"__name__", "__file__", "__doc__"}
        for node in self._trees[module].body:
            self.run(node, module)


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, Function | ast.ClassDef):
        return {node.name}
    found = (one for one in ast.walk(node) if isinstance(one, ast.Name))
    return {one.id for one in found if isinstance(one.ctx, ast.Store)}


def late_imports(source: Source) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Of each function, what it imports when it is called."""
    for node in source.nodes:
        if isinstance(node, Function):
            found = [one for one in ast.walk(node) if isinstance(one, ast.Import | ast.ImportFrom)]
            if found:
                yield f"{source.path} {node.name}", sorted(found, key=lambda one: one.lineno)
