"""DMARC (RFC 9989): the policy that applies to a domain, found by walking up the tree, and which domains count as one.

All of it is pure but for `walked`.
"""

from dataclasses import dataclass

from service.doctor.answers import Answer, Ask, bare, tags

QUERIES_MOST = 8  # §4.10
LABELS_MOST = 7
GONE = ("pct", "rf", "ri")  # of RFC 7489; RFC 9989 knows them no more
POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True)
class Policy:
    """A usable record. `tags` as published, in small letters where they are words."""

    domain: str
    text: str
    tags: dict[str, str]

    @property
    def p(self) -> str:
        """§4.7: without a usable p, but with somebody to report to, it counts as none."""
        found = self.tags.get("p", "").lower()
        return found if found in POLICIES else "none"

    @property
    def psd(self) -> str:
        return self.tags.get("psd", "u").lower()

    def for_subdomains(self) -> str:
        found = self.tags.get("sp", "").lower()
        return found if found in POLICIES else self.p

    def reports_to(self) -> list[str]:
        """The mail addresses of `rua`."""
        uris = [uri.strip() for uri in self.tags.get("rua", "").split(",")]
        mails = [uri[7:] for uri in uris if uri.lower().startswith("mailto:")]
        return [mail.partition("!")[0].partition("?")[0] for mail in mails if "@" in mail]

    def is_strict(self, tag: str) -> bool:
        return self.tags.get(tag, "r").lower() == "s"


@dataclass(frozen=True)
class Stop:
    """One step of the walk. `records`: what begins like DMARC; `policy`: the one usable, if there is one and no other."""

    domain: str
    answer: Answer
    records: tuple[str, ...] = ()
    policy: Policy | None = None

    @property
    def problem(self) -> str:
        if len(self.records) > 1:
            return f"there are {len(self.records)} DMARC records, so none counts"
        return f"“{self.records[0][:60]}” is no usable record" if self.records and self.policy is None else ""


def read(domain: str, answer: Answer) -> Stop:
    """§4.7, §4.10: another record, or several, are as none. `v=DMARC1` comes first."""
    records = tuple(text for text in answer.values if text.replace(" ", "").lower().startswith("v=dmarc1"))
    found = tags(records[0]) if len(records) == 1 else None
    policy = None
    if found is not None and found.get("v") == "DMARC1":
        candidate = Policy(domain, records[0], found)
        if found.get("p", "").lower() in POLICIES or candidate.reports_to():
            policy = candidate
    return Stop(domain, answer, records, policy)


async def walked(domain: str, ask: Ask) -> tuple[Stop, ...]:
    """From that domain upwards, at most eight questions, up to a record that says psd=n or psd=y, or to the top (§4.10)."""
    stops = list[Stop]()
    for name in names(domain):
        stop = read(name, await ask(f"_dmarc.{name}", "TXT"))
        stops.append(stop)
        if stop.policy is not None and stop.policy.psd in {"n", "y"}:
            break
    return tuple(stops)


def names(domain: str) -> list[str]:
    """That domain, then its parents; of a long one, those of seven labels and fewer."""
    labels = bare(domain).split(".")
    parents = [labels[at:] for at in range(1, len(labels)) if len(labels) - at <= LABELS_MOST]
    return [".".join(one) for one in [labels, *parents]][:QUERIES_MOST]


def organization(stops: tuple[Stop, ...]) -> str:
    """The organizational domain of the one where the walk began (§4.10.2)."""
    start = stops[0].domain
    found = [stop.policy for stop in stops if stop.policy is not None]
    for policy in found:
        if policy.psd == "n":
            return policy.domain
        if policy.psd == "y" and policy.domain != start:
            return _one_below(policy.domain, start)
    return found[-1].domain if found else start


def _one_below(parent: str, start: str) -> str:
    labels, above = start.split("."), parent.count(".") + 1
    return ".".join(labels[-(above + 1) :])


def applying(stops: tuple[Stop, ...]) -> Policy | None:
    """The policy for messages from the domain where the walk began: its own, or its organization's, or its public suffix's (§4.10.1)."""
    if stops[0].policy is not None:
        return stops[0].policy
    wanted = organization(stops)
    by_domain = {stop.domain: stop.policy for stop in stops if stop.policy is not None}
    return by_domain.get(wanted) or next((one for one in by_domain.values() if one.psd == "y"), None)


def aligned(author: tuple[Stop, ...], other: tuple[Stop, ...], *, is_strict: bool) -> bool:
    """Whether an authenticated domain counts as the author's (§4.4)."""
    if author[0].domain == other[0].domain:
        return True
    return not is_strict and organization(author) == organization(other)
