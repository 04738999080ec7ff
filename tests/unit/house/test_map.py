"""docs/ARCHITECTURE.md is true to the tree and to the contract that import-linter holds; links between pages lead somewhere."""

import re
import tomllib

from tests.unit.house.sources import ROOT, texts

MAP = (ROOT / "docs/ARCHITECTURE.md").read_text()
LAYERS: list[str] = next(
    contract["layers"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    if contract["type"] == "layers"
)
BLOCK = MAP.partition("```\n")[2].partition("```")[0]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def present(name: str) -> bool:
    return (ROOT / "service" / name / "__init__.py").exists() or (ROOT / "service" / f"{name}.py").exists()


def test_the_map_shows_the_layers_in_their_order() -> None:
    drawn = [re.split(r"\s{3,}", line)[0].strip() for line in BLOCK.splitlines()]
    held = []
    for layer in LAYERS:
        mark = " : " if ":" in layer else " | "
        built = [name for name in re.findall(r"\w+", layer) if present(name)]
        held += [mark.join(built)] if built else []
    assert drawn == held


def test_the_map_names_modules_that_are_there() -> None:
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", MAP)) - {"database.py", "clock.py"}
    assert len(named) > 10
    rooms = [name for name in named if name.partition(".")[2] not in {"py", "txt", "html", "toml"}]
    assert not [name for name in rooms if not (ROOT / "service" / f"{name.replace('.', '/')}.py").exists()]


def test_every_link_between_our_pages_leads_somewhere() -> None:
    pages = {path: text for path, text in texts().items() if path.endswith(".md")}
    assert len(pages) > 12
    lost = [
        (path, target)
        for path, text in pages.items()
        for target in LINK.findall(text)
        if not target.startswith("docs/pictures/") and not (ROOT / path).parent.joinpath(target).exists()
    ]
    assert not lost


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/decisions"
    listed = set(LINK.findall((folder / "README.md").read_text()))
    assert {path.name for path in folder.glob("0*.md")} <= listed
