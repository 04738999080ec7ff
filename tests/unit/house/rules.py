"""Each rule reads one Python file and says what breaks it, as lines a person can act on. Pure, so each is tested on bad code too."""

import ast
import re
from collections.abc import Callable, Iterator

from tests.unit.house.sources import Source

Rule = Callable[[Source], Iterator[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef

FUNCTION_LINES = 50
FILE_LINES = 300
TEST_FILE_LINES = 500
MODULE_NAMES = {"utils", "util", "core", "common", "helpers", "helper", "base", "misc"}
# The glossary's right-hand words (docs/ARCHITECTURE.md has the left-hand ones).
WORDS = {
    "campaign",
    "campaigns",
    "mailer",
    "blast",
    "blacklist",
    "blocklist",
    "whitelist",
    "utils",
    "helper",
    "helpers",
}
# What weighs megabytes and what most processes never need: these modules, and no others, are imported where they are used.
# A command of `memo` may import whatever it needs, since another command needs something else.
LATE = {
    "service.articles.drafting",
    "service.bounces.last_resort",
    "service.bounces.hooks.signatures",
    "service.bounces.listener",
    "service.cipher",
    "service.delivery.dkim",
    "service.delivery.dkim_material",
    "service.delivery.relay_certificate",
    "service.delivery.signers",
    "service.delivery.signing_process",
    "service.doctor.resolver",
    "service.fetching.checks",
    "service.fetching.client",
    "service.jobs.memory",
    "service.jobs.postgresql",
    "service.languages.speaking",
    "service.mailbox.catcher",
    "service.media.processing",
    "service.proofs.seal",
    "service.receiving",
}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
# An element with attributes or with something in it; a lone `</head>` to search for, a head's `<base …>` and `<name@…>` pass.
MARKUP = re.compile(
    r"<([a-z][a-z0-9]*)>.*</\1>|<(?!base\b)[a-z][a-z0-9]*\s+[a-z-]+=[\"'{]", re.IGNORECASE | re.DOTALL
)
LEFTOVERS = re.compile(r"\b(?:TODO|FIXME|XXX)\b|type:\s*ignore|pytest\.(?:mark\.)?skip")


def long_functions(source: Source) -> Iterator[str]:
    for node in _functions(source):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield f"{source.path}:{node.lineno} {node.name} has {length} lines (at most {FUNCTION_LINES})"


def long_file(source: Source) -> Iterator[str]:
    most = TEST_FILE_LINES if source.path.startswith("tests/") else FILE_LINES
    if len(source.lines) > most:
        yield f"{source.path} has {len(source.lines)} lines (at most {most})"


def commits(source: Source) -> Iterator[str]:
    """Only `database.write` commits."""
    if source.path == "service/database.py":
        return
    imported = (node for node in source.nodes if isinstance(node, ast.ImportFrom))
    rooms = {
        name.name for node in imported if (node.module or "").startswith("service.") for name in node.names
    }
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "commit" and _dotted(node.value) not in rooms:
            yield f"{source.path}:{node.lineno} commits; only service/database.py does"


def sessions_of_their_own(source: Source) -> Iterator[str]:
    """A room is handed its session."""
    if source.path in {"service/database.py", "service/sqlite_writer.py", "service/migrations.py"}:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _dotted(node.func).split(".")[-1] in {
            "Session",
            "AsyncSession",
            "sessionmaker",
        }:
            yield f"{source.path}:{node.lineno} opens a session; only service/database.py does"


def own_clocks(source: Source) -> Iterator[str]:
    if source.path == "service/clock.py":
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and ".".join(_dotted(node).split(".")[-2:]) in CLOCKS:
            yield f"{source.path}:{node.lineno} asks what time it is; only service/clock.py does"


def imports_in_functions(source: Source) -> Iterator[str]:
    if source.path.startswith("service/cli/"):
        return
    for function in _functions(source):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom) and not _is_late(node):
                yield f"{source.path}:{node.lineno} imports inside {function.name}"


def _is_late(node: ast.Import | ast.ImportFrom) -> bool:
    named = {name.name for name in node.names}
    of = node.module if isinstance(node, ast.ImportFrom) else None
    return of in LATE or {f"{of}.{name}" if of else name for name in named} <= LATE


def relative_imports(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"{source.path}:{node.lineno} imports relatively"


def banned_module_name(source: Source) -> Iterator[str]:
    for part in source.path.removesuffix(".py").split("/"):
        if part in MODULE_NAMES:
            yield f"{source.path} is named {part}, which says nothing"


def banned_identifiers(source: Source) -> Iterator[str]:
    for line, name in _defined(source):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
        for word in WORDS & set(words):
            yield f"{source.path}:{line} {name}: we do not say {word}"


def package_without_story(source: Source) -> Iterator[str]:
    if source.path.endswith("/__init__.py") and not ast.get_docstring(source.tree):
        yield f"{source.path} does not say what this room owns"


def leftovers(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.lines, 1):
        if found := LEFTOVERS.search(line):
            yield f"{source.path}:{number} has {found.group()}"


def markup_in_strings(source: Source) -> Iterator[str]:
    """HTML belongs in templates. Docstrings may show some, and so may the API's examples."""
    if source.path.startswith("service/api/shapes/"):
        return
    told = _docstrings(source)
    for node in source.nodes:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in told:
            continue
        if found := MARKUP.search(node.value):
            yield f"{source.path}:{node.lineno} has HTML in a string: {found.group()}"


def _functions(source: Source) -> Iterator[Function]:
    return (node for node in source.nodes if isinstance(node, Function))


def _defined(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, Function | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def _docstrings(source: Source) -> set[int]:
    holders = (node for node in source.nodes if isinstance(node, Function | ast.ClassDef | ast.Module))
    firsts = (node.body[0] for node in holders if node.body)
    return {id(first.value) for first in firsts if isinstance(first, ast.Expr)}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


EVERYWHERE: tuple[Rule, ...] = (
    long_functions,
    long_file,
    imports_in_functions,
    relative_imports,
    banned_module_name,
    banned_identifiers,
)
IN_THE_SERVICE: tuple[Rule, ...] = (
    package_without_story,
    commits,
    sessions_of_their_own,
    own_clocks,
    leftovers,
    markup_in_strings,
)
