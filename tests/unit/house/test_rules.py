"""The product keeps the rules, and each rule notices what it forbids."""

import pytest

from tests.unit.house import rules, sources
from tests.unit.house.rules import Rule
from tests.unit.house.sources import Source

BAD: list[tuple[Rule, str, str]] = [
    (rules.long_functions, "service/x.py", "def f():\n" + "    a = 1\n" * 50),
    (rules.long_file, "service/x.py", "a = 1\n" * 301),
    (rules.long_file, "tests/x.py", "a = 1\n" * 501),
    (rules.commits, "service/x.py", "session.commit()"),
    (rules.commits, "service/x.py", "later = session.commit"),
    (rules.sessions_of_their_own, "service/x.py", "with sqlmodel.Session(engine) as session: pass"),
    (rules.own_clocks, "service/x.py", "datetime.datetime.now(UTC)"),
    (rules.own_clocks, "service/x.py", "made = Field(default_factory=datetime.utcnow)"),
    (rules.own_clocks, "service/x.py", "time.time()"),
    (rules.imports_in_functions, "service/x.py", "async def f():\n    if a:\n        from b import c"),
    (
        rules.imports_in_functions,
        "service/x.py",
        "def f():\n    from service.articles import drafting, intake",
    ),
    (rules.imports_in_functions, "tests/cli/x.py", "def f():\n    import b"),
    (rules.relative_imports, "service/x.py", "from .x import y"),
    (rules.banned_module_name, "service/x/utils.py", ""),
    (rules.banned_module_name, "service/core/x.py", ""),
    (rules.banned_identifiers, "service/x.py", "class OldCampaign: pass"),
    (rules.banned_identifiers, "service/x.py", "def send(mailer): pass"),
    (rules.banned_identifiers, "service/x.py", "url_helpers = 1"),
    (rules.package_without_story, "service/x/__init__.py", "import y"),
    (rules.leftovers, "service/x.py", "a = 1  # TO" + "DO: later"),
    (rules.leftovers, "service/x.py", "a = 1  # type" + ": ignore[misc]"),
    (rules.markup_in_strings, "service/x.py", "a = '<p>hello</p>'"),
    (rules.markup_in_strings, "service/x.py", "a = f'<a href=\"{b}\">'"),
]
GOOD: list[tuple[Rule, str, str]] = [
    (rules.long_functions, "service/x.py", "def f():\n" + "    a = 1\n" * 49),
    (rules.long_file, "service/x.py", "a = 1\n" * 300),
    (rules.commits, "service/database.py", "session.commit()"),
    (rules.commits, "service/x.py", "from service.delivery import recording\nwrite(recording.commit)"),
    (rules.own_clocks, "service/clock.py", "datetime.now(UTC)"),
    (rules.own_clocks, "service/x.py", "database.now(session); time.monotonic(); moment.time()"),
    (rules.imports_in_functions, "service/x.py", "import a\nif TYPE_CHECKING:\n    import b"),
    (rules.imports_in_functions, "service/x.py", "def f():\n    from service.articles import drafting"),
    (rules.imports_in_functions, "service/x.py", "def f():\n    from service.fetching.client import Client"),
    (rules.imports_in_functions, "service/cli/x.py", "def f():\n    from b import c"),
    (rules.banned_identifiers, "service/x.py", "accounts = 1"),
    (rules.package_without_story, "service/x/__init__.py", '"""Owns x."""'),
    (rules.markup_in_strings, "service/x.py", '"""Reads `<p>a</p>`."""\nreturn_path = "<ann@example.org>"'),
]


@pytest.mark.parametrize("rule", rules.EVERYWHERE, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("folder", ["service", "tests", "bench"])
def test_the_project_keeps(rule: Rule, folder: str) -> None:
    assert not [broken for source in sources.python(folder) for broken in rule(source)]


@pytest.mark.parametrize("rule", rules.IN_THE_SERVICE, ids=lambda rule: rule.__name__)
def test_the_product_keeps(rule: Rule) -> None:
    read = sources.python("service")
    assert read
    assert not [broken for source in read for broken in rule(source)]


@pytest.mark.parametrize(("rule", "path", "text"), BAD, ids=lambda value: getattr(value, "__name__", None))
def test_a_rule_notices(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), GOOD, ids=lambda value: getattr(value, "__name__", None))
def test_a_rule_lets_pass(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Source(path, text)))
