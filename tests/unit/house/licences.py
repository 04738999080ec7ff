"""Which licences the product runs on: `make licences`. GPL and AGPL fail, LGPL is listed, what cannot be read fails too.

Development tools are not concerned. "A OR B" is ours to choose, so the mildest counts; of "A AND B" the strictest does.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from enum import IntEnum
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement

DISTRIBUTION = "morning-memo"


class Strictness(IntEnum):
    FREE = 0
    FILE = 1  # changes to its own files must be shared: MPL
    LIBRARY = 2  # LGPL
    UNKNOWN = 3
    WHOLE = 4  # GPL, AGPL: everything that runs with it


# The first pattern found in one licence's name decides; LGPL stands before GPL.
NAMES = [
    (re.compile(r"\bLGPL|lesser general public", re.IGNORECASE), Strictness.LIBRARY),
    (re.compile(r"\bA?GPL|general public license|affero|\bSSPL|\bBUSL", re.IGNORECASE), Strictness.WHOLE),
    (re.compile(r"\bMPL|mozilla public", re.IGNORECASE), Strictness.FILE),
    (
        re.compile(
            r"\b(?:0?BSD|MIT|Apache|ISC|PSF|Python Software Foundation|Python-2|CNRI-Python|Zlib|Unlicense|CC0|HPND|BlueOak)",
            re.IGNORECASE,
        ),
        Strictness.FREE,
    ),
]
TOKENS = re.compile(r"[()]|(?<![\w-])(?:AND|OR|WITH)(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    name: str
    version: str
    licence: str
    strictness: Strictness


def strictness_of(expression: str) -> Strictness:
    """Of an SPDX expression, or of one licence named in plain words."""
    parts = [part.strip() for part in re.split(f"({TOKENS.pattern})", expression, flags=re.IGNORECASE)]
    return _Expression([part for part in parts if part]).read()


class _Expression:
    """Reads OR < AND < WITH < names and parentheses."""

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts
        self._at = 0

    def read(self) -> Strictness:
        verdict = self._either()
        return verdict if self._at == len(self._parts) else Strictness.UNKNOWN

    def _either(self) -> Strictness:
        verdict = self._both()
        while self._takes("OR"):
            verdict = min(verdict, self._both())
        return verdict

    def _both(self) -> Strictness:
        verdict = self._one()
        while self._takes("AND"):
            verdict = max(verdict, self._one())
        return verdict

    def _one(self) -> Strictness:
        if self._takes("("):
            verdict = self._either()
            return verdict if self._takes(")") else Strictness.UNKNOWN
        if self._at >= len(self._parts):
            return Strictness.UNKNOWN
        name = self._parts[self._at]
        self._at += 1
        if self._takes("WITH"):
            self._at += 1  # an exception only ever permits more; the licence before it is judged alone
        return next((verdict for pattern, verdict in NAMES if pattern.search(name)), Strictness.UNKNOWN)

    def _takes(self, token: str) -> bool:
        if self._at < len(self._parts) and self._parts[self._at].upper() == token:
            self._at += 1
            return True
        return False


def licence_named(metadata: str) -> str:
    """What a distribution says of itself: an SPDX expression, else its classifiers, else its free text."""
    told = Parser().parsestr(metadata, headersonly=True)
    if expression := told.get("License-Expression"):
        return expression
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in told.get_all("Classifier") or []
        if text.startswith("License ::") and not text.endswith("OSI Approved")
    ]
    if classifiers:
        # Several classifiers do not say how they go together. A licence text names "or" only by way of choice.
        text = told.get("License") or ""
        joined = " OR " if re.search(r"\bor\b", text, re.IGNORECASE) and len(text) < 100 else " AND "
        return joined.join(re.sub(r" \([^)]*\)", "", name).replace(" or later", "+") for name in classifiers)
    return (told.get("License") or "").strip().partition("\n")[0] or "nothing"


def closure(name: str) -> dict[str, Distribution]:
    """Everything installed that the distribution needs to run, itself left out."""
    seen: dict[str, Distribution] = {}
    waiting = [Requirement(name)]
    while waiting:
        wanted = waiting.pop()
        key = re.sub(r"[-_.]+", "-", wanted.name).lower()
        for needed in _needs(distribution(wanted.name), wanted.extras):
            if re.sub(r"[-_.]+", "-", needed.name).lower() not in seen:
                waiting.append(needed)
        seen[key] = distribution(wanted.name)
    del seen[name]
    return seen


def _needs(found: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for text in found.requires or []:
        requirement = Requirement(text)
        asked = [{"extra": extra} for extra in extras] or [{"extra": ""}]
        if requirement.marker is None or any(requirement.marker.evaluate(one) for one in asked):
            yield requirement


def findings() -> list[Finding]:
    return [_judged(name, found) for name, found in sorted(closure(DISTRIBUTION).items())]


def _judged(name: str, found: Distribution) -> Finding:
    licence = licence_named(found.read_text("METADATA") or "")
    return Finding(name, found.version, licence, strictness_of(licence))


def main() -> int:
    found = findings()
    refused = [finding for finding in found if finding.strictness >= Strictness.UNKNOWN]
    for finding in found:
        if finding.strictness >= Strictness.LIBRARY:
            _say(f"{finding.strictness.name:8} {finding.name} {finding.version}: {finding.licence}")
    _say(f"{len(found)} distributions at run time, {len(refused)} that cannot be used.")
    return 1 if refused else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
