"""The decision table as cells, row by phase: a real reply for each, and the reason where there can be none."""

from dataclasses import dataclass
from pathlib import Path

from service.delivery import decisions, outcome
from service.delivery.outcome import Outcome, Phase, Reply, Scope
from service.delivery.verdicts import BEFORE_A_READER_IS_NAMED, Rule

REPLIES = Path(__file__).parents[1] / "unit" / "delivery" / "replies.txt"
NOT_ABOUT_A_READER = "nobody is named yet: a reply here is never about a reader, and another row has it"
NO_GREETING = "no bytes and no command of ours have been seen: a refused greeting is the relay's"
ANOTHER_FIRST = "this row is only asked in other phases"
NO_ANSWER_THERE = "a server answers a body after its dot, or it closes the connection (RFC 5321 section 3.8)"


@dataclass(frozen=True)
class Cell:
    rule: Rule
    phase: Phase
    reply: Reply
    impossible: str | None

    @property
    def address(self) -> str:
        return f"{self.phase.value}{decisions.RULES.index(self.rule)}@example.org"

    @property
    def judged(self) -> Outcome:
        return outcome.of(self.reply)


def lines() -> list[str]:
    text = REPLIES.read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def reply_in(line: str) -> Reply:
    phase, _, said = (part.strip() for part in line.split("|", 2))
    return Reply(Phase(phase), int(said[:3]), said[4:].replace(r"\n", "\n"))


def cells() -> list[Cell]:
    """Every row with every phase."""
    rules = {rule.source: rule for rule in decisions.RULES}
    known: dict[str, Reply] = {}
    for judged in map(outcome.of, map(reply_in, lines())):
        if judged.rule in rules and judged.verdict is rules[judged.rule].verdict:
            known.setdefault(judged.rule, judged.reply)
    return [
        Cell(
            rule,
            phase,
            Reply(phase, known[rule.source].code, known[rule.source].text),
            impossible(rule, phase),
        )
        for rule in decisions.RULES
        for phase in Phase
    ]


def impossible(rule: Rule, phase: Phase) -> str | None:
    if phase is Phase.BODY:
        return NO_ANSWER_THERE
    if rule.scope is Scope.RECIPIENT and phase in BEFORE_A_READER_IS_NAMED:
        return NOT_ABOUT_A_READER
    if phase in rule.phases:
        return None
    return NO_GREETING if phase is Phase.CONNECT else ANOTHER_FIRST


def on_the_wire(reply: Reply) -> str:
    """The reply as a server writes it, one line or several."""
    texts = reply.text.split("\n")
    lines = [f"{reply.code}-{text}" for text in texts[:-1]] + [f"{reply.code} {texts[-1]}"]
    return "\n".join(lines)
