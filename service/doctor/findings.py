"""What an examination says: findings, each with what was found, why it matters, and exactly what to publish, run or set."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class Severity(StrEnum):
    """`note`: nothing is wrong; it is good to know, or could not be told. `warn`: it works, and should be mended. `fail`: it does not."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    FAIL = "fail"


ORDER = (Severity.OK, Severity.NOTE, Severity.WARN, Severity.FAIL)


class Group(StrEnum):
    DOMAIN = "domain"
    RETURN = "return path"
    RELAY = "relay"
    WEB = "public address"
    NEWSLETTER = "newsletter"
    MACHINE = "machine"


@dataclass(frozen=True)
class Remedy:
    """Something to copy. A record of the DNS has its `name` and `kind` ("TXT", "MX"); a command or a setting has neither."""

    text: str
    name: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Finding:
    """`code` stays the same between versions: programs may lean on it. `subject` is the domain, relay or newsletter it is about."""

    code: str
    group: Group
    severity: Severity
    subject: str
    found: str
    why: str = ""
    advice: str = ""
    remedies: tuple[Remedy, ...] = ()

    @property
    def topic(self) -> str:
        """The part of docs/DELIVERABILITY.md that tells more."""
        return self.code.partition(".")[0]


@dataclass(frozen=True)
class Examination:
    """`seconds`: how long it took as a whole. `scope`: the domain or newsletter it was about; empty: everything."""

    at: datetime
    seconds: float
    scope: str
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        return worst(self.findings)

    @property
    def counts(self) -> dict[Severity, int]:
        return {one: sum(finding.severity is one for finding in self.findings) for one in reversed(ORDER)}

    def grouped(self) -> list[tuple[Group, list[Finding]]]:
        """In the order of `Group`, what is worst first; what is equally bad stays in the order it was judged in."""
        found = [
            (group, sorted((f for f in self.findings if f.group is group), key=lambda f: -ORDER.index(f.severity)))
            for group in Group
        ]  # fmt: skip
        return [(group, findings) for group, findings in found if findings]

    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "seconds": self.seconds,
            "scope": self.scope,
            "severity": self.severity.value,
            "counts": {key.value: count for key, count in self.counts.items()},
            "findings": [asdict(finding) for finding in self.findings],
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` gave."""
        return cls(
            at=datetime.fromisoformat(facts["at"]),
            seconds=facts["seconds"],
            scope=facts["scope"],
            findings=tuple(_finding(one) for one in facts["findings"]),
        )


def worst(findings: Iterable[Finding]) -> Severity:
    return max((finding.severity for finding in findings), key=ORDER.index, default=Severity.OK)


def _finding(facts: Mapping[str, Any]) -> Finding:
    return Finding(
        **{
            **facts,
            "group": Group(facts["group"]),
            "severity": Severity(facts["severity"]),
            "remedies": tuple(Remedy(**one) for one in facts["remedies"]),
        }
    )
