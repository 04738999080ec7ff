"""Every command of `memo` can be the first to import what it needs: no module waits for one that waits for it."""

import ast

from tests.unit.house import sources
from tests.unit.house.import_order import Interpreter, late_imports, module_of

TREES = {module_of(one): one.tree for one in sources.python("service")}


def _missing(trees: dict[str, ast.Module], *lines: str) -> list[str]:
    process = Interpreter(trees)
    for line in lines:
        process.run(ast.parse(line).body[0])
    return process.missing


def test_every_command_can_be_the_first() -> None:
    found: dict[str, list[str]] = {}
    commands = [one for source in sources.python("service/cli") for one in late_imports(source)]
    assert len(commands) > 50
    for name, imports in commands:
        process = Interpreter(TREES)
        for node in imports:
            process.run(node)
        if process.missing:
            found[name] = process.missing
    assert not found


def test_two_that_wait_for_each_other_are_noticed_from_the_side_that_fails() -> None:
    trees = {
        "service": ast.parse(""),
        "service.a": ast.parse("from service import b\nMOST = 1"),
        "service.b": ast.parse("from service.a import MOST"),
    }
    assert _missing(trees, "from service import a") == [
        "service.b takes MOST of service.a, which waits for it"
    ]
    assert _missing(trees, "from service import b") == []
    trees["service.a"] = ast.parse("MOST = 1\nfrom service import b")
    assert _missing(trees, "from service.a import MOST") == []
