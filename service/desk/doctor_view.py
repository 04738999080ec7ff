"""How the desk shows an examination: by what it is about, trouble first, what is well in short."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from service.doctor.findings import ORDER, Examination, Finding, Group, Severity

TITLES = {
    Group.DOMAIN: "The domain's records",
    Group.RETURN: "Where bounces go",
    Group.RELAY: "The relay",
    Group.WEB: "The public address",
    Group.NEWSLETTER: "Newsletters",
    Group.MACHINE: "The machine and its database",
}
PLACES = {
    Group.DOMAIN: ("/desk/dkim", "Signing"),
    Group.RELAY: ("/desk/relays", "Relays"),
    Group.MACHINE: ("/desk/workers", "Workers"),
}
WORDS = {
    Severity.FAIL: ("does not work", "do not work"),
    Severity.WARN: ("to mend", "to mend"),
    Severity.NOTE: ("to know", "to know"),
    Severity.OK: ("well", "well"),
}
LINE_CHARACTERS = 36  # of the widest letters on the narrowest screen


@dataclass(frozen=True)
class Copied:
    """Something to copy, with the rows it needs."""

    id: str
    label: str
    text: str

    @property
    def rows(self) -> int:
        return ceil(len(self.text) / LINE_CHARACTERS)


@dataclass(frozen=True)
class Line:
    """`copied`: for each remedy what to copy of it, one thing or a record's two."""

    finding: Finding
    copied: tuple[tuple[Copied, ...], ...]

    @property
    def subject(self) -> str:
        """Empty where the sentence says it already."""
        return "" if self.finding.subject in self.finding.found else self.finding.subject


@dataclass(frozen=True)
class Part:
    title: str
    place: tuple[str, str] | None
    trouble: tuple[Line, ...]
    well: tuple[Line, ...]


def groups(found: Examination) -> list[Part]:
    numbered = iter(range(10_000))
    parts = []
    for group, findings in found.grouped():
        lines = [Line(one, tuple(_copied(one, next(numbered)))) for one in findings]
        trouble = tuple(line for line in lines if line.finding.severity is not Severity.OK)
        well = tuple(line for line in lines if line.finding.severity is Severity.OK)
        parts.append(Part(TITLES[group], PLACES.get(group), trouble, well))
    return parts


def counts(found: Examination) -> list[tuple[Severity, str]]:
    """What is worst first; what there is none of is left out."""
    every = [(key, found.counts[key]) for key in reversed(ORDER)]
    return [(key, f"{count} {WORDS[key][count != 1]}") for key, count in every if count]


def counted(found: Examination) -> str:
    return ", ".join(text for _, text in counts(found))


def _copied(finding: Finding, number: int) -> Iterator[tuple[Copied, ...]]:
    for at, remedy in enumerate(finding.remedies):
        key = f"{number}-{at}"
        if remedy.kind:
            label = "Its text" if remedy.kind == "TXT" else "Its value"
            name = Copied(f"name-{key}", f"Name of the {remedy.kind} record", remedy.name)
            yield name, Copied(f"text-{key}", label, remedy.text)
        else:
            label = "Setting" if remedy.text.startswith("MEMO_") else "Command"
            yield (Copied(f"text-{key}", label, remedy.text),)
