"""The tree as the rules see it: files, their text, and Python parsed once."""

import ast
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".json",
    ".yml",
    ".yaml",
    ".ini",
    ".lock",
    ".xml",
    ".svg",
    ".mako",
    ".po",
    "",
}
GENERATED = {"__pycache__", ".git", ".venv", "var", "dist", "build", "node_modules"}


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        return _nodes(self.text)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def _nodes(text: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_parsed(text)))


@cache
def python(folder: str) -> tuple[Source, ...]:
    found = (path for path in sorted((ROOT / folder).rglob("*.py")) if not GENERATED & set(path.parts))
    return tuple(Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in found)


@cache
def texts() -> dict[str, str]:
    """Every text file that belongs to the project, by its path; what others made and we ship unchanged is left out."""
    return {
        path: (ROOT / path).read_text("utf-8", errors="replace")
        for path in kept()
        if Path(path).suffix in TEXT and "/vendor/" not in path and (ROOT / path).is_file()
    }


def kept() -> list[str]:
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        asked = [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(asked, capture_output=True, check=True, text=True).stdout
        return sorted(name for name in listed.split("\0") if name)
    every = (path for path in ROOT.rglob("*") if path.is_file() and not GENERATED & set(path.parts))
    return sorted(path.relative_to(ROOT).as_posix() for path in every)


def variables(text: str) -> set[str]:
    """The `MEMO_…` names in it."""
    return set(re.findall(r"\bMEMO_[A-Z][A-Z_]*[A-Z]\b", text))


def strings(source: Source) -> list[str]:
    """Every piece of text in it, docstrings too."""
    return [
        node.value for node in source.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
