"""How well reports are read, by the labelled corpus: `python -m tests.support.bounce_score [--write]`.

Prints the figures per family as docs/BOUNCES.md has them; `--write` puts them there.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from service.bounces import report
from service.bounces.findings import Finding, Kind, Report

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "data" / "bounces"
PAGE = ROOT / "docs" / "BOUNCES.md"
BEGIN, END = "<!-- figures: python -m tests.support.bounce_score --write -->", "<!-- end of figures -->"
ACTIONS = {
    Kind.PERMANENT: "hard",
    Kind.STRIKE: "strikes",
    Kind.TRANSIENT: "soft",
    Kind.DELAY: "soft",
    Kind.SENDER: "sender",
    Kind.COMPLAINT: "complaint",
    Kind.UNSUBSCRIBE: "complaint",
}


class Judged(NamedTuple):
    name: str  # "lhost-exim-02 2", the file and the recipient's place in it
    label: dict[str, Any]
    finding: Finding | None

    @property
    def action(self) -> str:
        return ACTIONS.get(self.finding.kind, "ignore") if self.finding else "nothing found"

    @property
    def is_hard(self) -> bool:
        return self.finding is not None and self.finding.kind is Kind.PERMANENT

    @property
    def is_right(self) -> bool:
        return bool(self.action == self.label["action"])

    @property
    def family(self) -> str:
        return self.name.rpartition("-")[0]


@dataclass(frozen=True)
class Score:
    recipients: int
    hard: int  # by the labels
    found: int  # called permanent
    both: int
    right: int

    @property
    def precision(self) -> float:
        return self.both / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.both / self.hard if self.hard else 1.0

    @property
    def action(self) -> float:
        return self.right / self.recipients


def labels() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads((CORPUS / "labels.json").read_text("utf-8"))
    return found


def message(name: str) -> bytes:
    return (CORPUS / "messages" / name).read_bytes()


@cache
def told(name: str) -> Report:
    return report.read(message(name))


def otherwise() -> dict[str, str]:
    """Labels we judge otherwise: file and recipient, and the reason."""
    lines = (CORPUS / "otherwise.txt").read_text("utf-8").splitlines()
    pairs = (line.split("|", 1) for line in lines if line and not line.startswith("#"))
    return {name.strip(): why.strip() for name, why in pairs}


def judged() -> list[Judged]:
    return list(_judged())


def _judged() -> Iterator[Judged]:
    for name, recipients in sorted(labels().items()):
        findings = told(name).findings
        for number, label in enumerate(recipients):
            finding = findings[number] if number < len(findings) else None
            yield Judged(f"{name.removesuffix('.eml')} {number + 1}", label, finding)


def score(found: Iterable[Judged]) -> Score:
    every = list(found)
    return Score(
        len(every),
        sum(one.label["hard"] for one in every),
        sum(one.is_hard for one in every),
        sum(one.is_hard and one.label["hard"] for one in every),
        sum(one.is_right for one in every),
    )


def table() -> str:
    every = judged()
    families: dict[str, list[Judged]] = defaultdict(list)
    for one in every:
        families[one.family].append(one)
    lines = [
        "| family | recipients | permanent by label | called so | of them rightly | right action |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, members in [*sorted(families.items()), ("**all**", every)]:
        figures = score(members)
        lines.append(
            f"| {name} | {figures.recipients} | {figures.hard} | {figures.found} | {figures.both} | {figures.right} |"
        )
    whole = score(every)
    summary = f"Permanent: precision {whole.precision:.3f}, recall {whole.recall:.3f}. Right action: {whole.action:.3f}."
    reasons = "\n".join(f"- `{name}` · {why}" for name, why in otherwise().items())
    return "\n".join([summary, "", *lines, "", "Labels judged otherwise:", "", reasons])


def page() -> str:
    """docs/BOUNCES.md as it should be."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), "utf-8")
    sys.stdout.write(table() + "\n")
