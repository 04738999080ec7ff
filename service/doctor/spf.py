"""SPF (RFC 7208): a domain's record with all it includes, as a tree; what it costs to look up, and what it says of an address.

`gathered` asks; everything else is pure. Macros (§7) stand for facts of one message, so a term with one is *unknown* here.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum

from service.doctor.answers import Answer, Ask, bare, hosts

LOOKUPS_MOST = 10  # §4.6.4
VOID_MOST = 2
MX_MOST = 10
DEPTH_MOST = 12
ASKS = {"include", "a", "mx", "ptr", "exists", "redirect"}
MECHANISMS = ASKS - {"redirect"} | {"all", "ip4", "ip6"}
_TERM = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(?:([:=/])(.*))?\Z")
_CIDR = re.compile(r"(.*?)(?:/(\d{1,2}))?(?://(\d{1,3}))?\Z")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Result(StrEnum):
    PASS = "pass"  # noqa: S105 - SPF's own word
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    BROKEN = "permerror"
    LATER = "temperror"
    UNKNOWN = "unknown"  # ours: only a message would tell


BY_QUALIFIER = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


@dataclass(frozen=True)
class Term:
    """`name` is a mechanism or a modifier; `value` what stands behind it, without a prefix length."""

    text: str
    name: str
    qualifier: str = "+"
    value: str = ""
    bits4: int = 32
    bits6: int = 128

    @property
    def has_macro(self) -> bool:
        return "%" in self.value


@dataclass
class Record:
    """One domain's record. `problem`: why it is no usable record; `others`: further records of SPF beside it."""

    domain: str
    answer: Answer
    text: str = ""
    others: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    problem: str = ""
    below: dict[str, "Record"] = field(default_factory=dict)  # by the text of the include or redirect
    places: dict[str, list[Answer]] = field(default_factory=dict)  # by the text of the a or mx

    @property
    def all_term(self) -> Term | None:
        return next((term for term in self.terms if term.name == "all"), None)

    def everything(self) -> "list[Record]":
        return [self, *(one for child in self.below.values() for one in child.everything())]


def read(domain: str, answer: Answer) -> Record:
    """§4.5, §4.6: which record there is, and its terms."""
    found = [text for text in answer.values if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
    if not found:
        return Record(domain, answer)
    terms, problem = [], ""
    for word in found[0].split()[1:]:
        term = _term(word, domain)
        if term is None:
            problem = problem or f"“{word}” is no term of SPF"
        else:
            terms.append(term)
    return Record(domain, answer, found[0], tuple(found[1:]), tuple(terms), problem)


def _term(word: str, domain: str) -> Term | None:
    match = _TERM.match(word)
    if match is None:
        return None
    qualifier, name, divider, rest = match[1], match[2].lower(), match[3] or "", match[4] or ""
    if divider == "=":
        return None if qualifier else Term(word, name, value=rest)
    if name not in MECHANISMS:
        return None
    if name in {"ip4", "ip6"}:
        return Term(word, name, qualifier or "+", rest) if _network(name, rest) else None
    cidr = _CIDR.match(f"/{rest}" if divider == "/" else rest)
    assert cidr is not None  # it matches everything
    value = bare(cidr[1]) or (domain if name in {"a", "mx"} else "")
    bits4, bits6 = int(cidr[2] or 32), int(cidr[3] or 128)
    is_short = (name in {"include", "exists"} and not value) or (name == "all" and rest)
    if is_short or bits4 > 32 or bits6 > 128:
        return None
    return Term(word, name, qualifier or "+", value, bits4, bits6)


def _network(name: str, text: str) -> "ipaddress.IPv4Network | ipaddress.IPv6Network | None":
    kind = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    try:
        return kind(text, strict=False)
    except ValueError:
        return None


async def gathered(domain: str, ask: Ask, above: tuple[str, ...] = ()) -> Record:
    """The domain's record and all it leads to. Ends where it leads back to itself, or too deep."""
    found = read(domain, await ask(domain, "TXT"))
    for term in found.terms:
        if term.has_macro:
            continue
        if term.name in {"include", "redirect"}:
            if bare(term.value) in (*above, domain):
                found.problem = found.problem or f"“{term.text}” leads back to itself"
            elif len(above) < DEPTH_MOST:
                found.below[term.text] = await gathered(bare(term.value), ask, (*above, domain))
        elif term.name in {"a", "mx"}:
            found.places[term.text] = await _places(term, ask)
    return found


async def _places(term: Term, ask: Ask) -> list[Answer]:
    names, first = [term.value], []
    if term.name == "mx":
        first = [await ask(term.value, "MX")]
        names = hosts(first[0])[:MX_MOST]
    return first + [await ask(name, kind) for name in names for kind in ("A", "AAAA")]


def lookups(record: Record) -> int:
    """How many terms of the whole tree have to be looked up (§4.6.4)."""
    reached = [term for term in _reached(record) if term.name in ASKS]
    below = [record.below[term.text] for term in reached if term.text in record.below]
    return len(reached) + sum(lookups(child) for child in below)


def void_lookups(record: Record) -> int:
    """How many of them find nothing."""
    own = sum(_finds_nothing(record.places.get(term.text, [])) for term in _reached(record))
    below = [record.below[term.text] for term in _reached(record) if term.text in record.below]
    return own + sum(child.answer.is_void for child in below) + sum(void_lookups(child) for child in below)


def _finds_nothing(answers: list[Answer]) -> bool:
    return bool(answers) and all(answer.is_void for answer in answers)


def _reached(record: Record) -> list[Term]:
    """What stands behind `all` is never come to (§5.1), and nor is a redirect beside one (§6.1)."""
    names = [term.name for term in record.terms]
    return list(record.terms[: names.index("all")]) if "all" in names else list(record.terms)


def includes(record: Record, domain: str) -> bool:
    """Whether the tree leads to that domain's record."""
    return any(one.domain == domain for one in record.everything()[1:])


def result_for(record: Record, address: IPAddress) -> Result:
    """`check_host` (§4) for that address. Unknown as soon as a term that only a message can answer comes first."""
    if record.answer.failed:
        return Result.LATER
    if record.problem or record.others:
        return Result.BROKEN
    if not record.text:
        return Result.NONE
    for term in record.terms:
        found = _matched(record, term, address)
        if found is not None:
            return found
    redirect = next((term for term in record.terms if term.name == "redirect"), None)
    if redirect is None:
        return Result.NEUTRAL
    below = record.below.get(redirect.text)
    found = result_for(below, address) if below is not None else Result.UNKNOWN
    return Result.BROKEN if found is Result.NONE else found


def _matched(record: Record, term: Term, address: IPAddress) -> Result | None:
    """What the term says of the address; None: nothing, go on to the next."""
    says = BY_QUALIFIER[term.qualifier]
    if term.name == "all":
        return says
    if term.name in {"ip4", "ip6"}:
        network = _network(term.name, term.value)
        return says if network is not None and address in network else None
    if term.name == "include":
        return _included(record, term, address, says)
    if term.name in {"a", "mx"} and not term.has_macro:
        return says if _is_at(record.places.get(term.text, []), term, address) else None
    return Result.UNKNOWN if term.name in {"a", "mx", "ptr", "exists"} else None


def _included(record: Record, term: Term, address: IPAddress, says: Result) -> Result | None:
    """§5.2's table."""
    below = record.below.get(term.text)
    if below is None:
        return Result.UNKNOWN
    found = result_for(below, address)
    if found is Result.PASS:
        return says
    if found in {Result.BROKEN, Result.NONE}:
        return Result.BROKEN
    return found if found in {Result.LATER, Result.UNKNOWN} else None


def _is_at(places: list[Answer], term: Term, address: IPAddress) -> bool:
    bits = term.bits4 if address.version == 4 else term.bits6
    texts = [text for answer in places if answer.kind in {"A", "AAAA"} for text in answer.values]
    return any(
        address in ipaddress.ip_network(f"{text}/{bits}", strict=False)
        for text in texts
        if ipaddress.ip_address(text).version == address.version
    )
