"""Rules for the header of one message. M rules are about the format, B rules are what bulk mail owes its readers."""

import ipaddress
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import getaddresses
from quopri import decodestring
from urllib.parse import urlsplit

import idna

from tests.support.message_sight import LINK, Field, Sight

ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")
AT_MOST_ONCE = (
    "Reply-To", "Sender", "Cc", "Content-Transfer-Encoding", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
    "List-Help", "List-Archive", "List-Owner", "Feedback-ID", "Auto-Submitted", "Precedence",
)  # fmt: skip
# What an injected line would bring is not among these.
KNOWN = {name.lower() for name in (*ONCE, *AT_MOST_ONCE, "DKIM-Signature", "Received", "CFBL-Address")} - {
    "cc"
}
WITH_PHRASES = ("Subject", "From", "To", "Reply-To", "Sender")
ENCODED_WORD = re.compile(r"=\?([!#-+\-0-9A-Z^-~]+)\?([bBqQ])\?([!->@-~]*)\?=")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) "
    r"(\d\d):(\d\d)(?::(\d\d))? ([+-])(\d\d)(\d\d)"
)
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MESSAGE_ID = re.compile(r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)@([A-Za-z0-9.-]+)>")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
KILOBYTE = 1024


def m1_each_field_once(sight: Sight) -> Iterator[str]:
    for name in ONCE:
        if (count := len(sight.all(name))) != 1:
            yield f"M1: {count} {name} fields, wanted one"
    for name in AT_MOST_ONCE:
        if len(sight.all(name)) > 1:
            yield f"M1: more than one {name}"
    if sight.all("Bcc") or sight.all("Return-Path"):
        yield "M1: Bcc and Return-Path are not for us to write"
    if sight.value("MIME-Version") != "1.0":
        yield "M1: MIME-Version is not 1.0"


def m1_one_writer_one_reader(sight: Sight) -> Iterator[str]:
    if len(addresses(sight, "From")) != 1:
        yield f"M1: From has {len(addresses(sight, 'From'))} mailboxes, wanted one"
    if [_folded(address) for address in addresses(sight, "To")] != [_folded(sight.rcpt_to)]:
        yield "M1: To does not name exactly the one recipient"


def m2_lines(sight: Sight) -> Iterator[str]:
    data = sight.data
    if data.count(b"\n") != data.count(b"\r\n") or data.count(b"\r") != data.count(b"\r\n"):
        yield "M2: a bare CR or LF"
    if b"\0" in data:
        yield "M2: a NUL"
    if not data.endswith(b"\r\n"):
        yield "M2: does not end with CRLF"
    if max(len(line) for line in data.split(b"\r\n")) > 998:
        yield "M2: a line longer than 998 octets"
    for field in sight.head_fields[0]:
        for line in field.lines:
            if len(line) > 78 and not _cannot_fold(line):
                yield f"M2: a line of {len(line)} in {field.name} that could be folded"


def m4_encoded_words(sight: Sight) -> Iterator[str]:
    for name in WITH_PHRASES:
        for field in sight.all(name):
            yield from _encoded_words_of(field)
    if not decoded(sight.value("Subject")).strip():
        yield "M4: Subject is empty"


def m5_plain_fields(sight: Sight) -> Iterator[str]:
    for field in sight.head_fields[0]:
        if field.name not in WITH_PHRASES and "=?" in field.value:
            yield f"M5: an encoded-word in {field.name}"
        utf8_address = field.name == "To" and not sight.rcpt_to.isascii()
        if not field.value.isascii() and not utf8_address:
            yield f"M5: octets beyond ASCII in {field.name}"
    for name in ("From", "To", "Reply-To", "Sender"):
        if any("=?" in address for address in addresses(sight, name)):
            yield f"M5: an encoded-word in an address of {name}"


def m6_no_strange_lines(sight: Sight) -> Iterator[str]:
    fields, strays = sight.head_fields
    for stray in strays:
        yield f"M6: no header field: {stray[:60]!r}"
    for field in fields:
        if field.name.lower() not in KNOWN:
            yield f"M6: a field that we never write: {field.name}"
    if not sight.body:
        yield "M6: no body"


def m7_limits(sight: Sight) -> Iterator[str]:
    fields = sight.head_fields[0]
    if len(sight.head) > 500 * KILOBYTE or len(fields) > 5000:
        yield "M7: the header is larger than Gmail takes"
    if any(len(field.raw) > 32 * KILOBYTE for field in fields):
        yield "M7: a field of more than 32 KB"
    if len(sight.value("Message-ID")) > 500:
        yield "M7: Message-ID of more than 500 characters"
    if len(decoded(sight.value("Subject"))) > 998:
        yield "M7: Subject of more than 998 characters"


def m8_message_id(sight: Sight) -> Iterator[str]:
    found = MESSAGE_ID.fullmatch(sight.value("Message-ID"))
    if found is None:
        yield f"M8: no proper Message-ID: {sight.value('Message-ID')!r}"
        return
    senders = addresses(sight, "From")
    if senders and found[2].lower() != domain_of(senders[0]).lower():
        yield f"M8: Message-ID is of {found[2]}, From of {domain_of(senders[0])}"
    for part in _personal_parts(sight.rcpt_to):
        if part in found[1].lower():
            yield f"M8: Message-ID holds {part!r} of the recipient's address"


def m9_date(sight: Sight) -> Iterator[str]:
    found = DATE.fullmatch(sight.value("Date"))
    if found is None:
        yield f"M9: not the date form of RFC 5322 with a numeric zone: {sight.value('Date')!r}"
        return
    try:
        at = _moment(found)
    except ValueError:
        yield "M9: no such date"
        return
    if DAYS[at.weekday()] != found[1]:
        yield f"M9: that day is no {found[1]}"
    if at > sight.now:
        yield "M9: Date lies in the future"


def m16_domains(sight: Sight) -> Iterator[str]:
    named = [address for name in ("From", "To", "Reply-To", "Sender") for address in addresses(sight, name)]
    domains = {domain_of(address) for address in (*named, sight.rcpt_to, sight.mail_from) if address}
    links = {link for text in (sight.plain, sight.value("List-Unsubscribe")) for link in LINK.findall(text)}
    for link in links | {link for link in sight.html_links if link.lower().startswith("http")}:
        domains.add(_host_of(link))
    for domain in sorted(domains):
        if not is_ascii_domain(domain):
            yield f"M16: {domain!r} is no domain in A-labels"


def m18_address_lengths(sight: Sight) -> Iterator[str]:
    named = [address for name in ("From", "To", "Reply-To", "Sender") for address in addresses(sight, name)]
    for address in {*named, sight.rcpt_to, sight.mail_from} - {""}:
        local, _, domain = address.rpartition("@")
        sizes = len(local.encode()), len(domain.encode()), len(address.encode()) + 2
        if not local or not domain or sizes[0] > 64 or sizes[1] > 255 or sizes[2] > 256:
            yield f"M18: an address too long or not whole: {address[:80]!r}"


def b1_list_id(sight: Sight) -> Iterator[str]:
    value = sight.value("List-Id")
    found = re.fullmatch(r"(.*?)\s*<([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)>", value)
    if found is None or len(value) > 255:
        yield f"B1: no proper List-Id: {value!r}"
    elif (
        not found[1]
        and sight.value("From").partition("<")[0].strip().isascii()
        and "=?" not in sight.value("From")
    ):
        yield "B1: List-Id has no name that people can read"


def b2_list_unsubscribe(sight: Sight) -> Iterator[str]:
    value = sight.value("List-Unsubscribe")
    if re.fullmatch(r"<[^<>\s]+>(,\s*<[^<>\s]+>)*", value) is None:
        yield f"B2: List-Unsubscribe is no list of <…>: {value!r}"
        return
    uris = re.findall(r"<([^<>]+)>", value)
    pages = [uri for uri in uris if not uri.startswith("mailto:")]
    if len(pages) != 1 or uris[0] != pages[0]:
        yield "B2: wanted exactly one web address, on the left"
        return
    if not pages[0].startswith(sight.public_url.rstrip("/") + "/"):
        yield f"B2: {pages[0]} does not begin with {sight.public_url}"
    # 128 bits are 22 characters of base64.
    if len(urlsplit(pages[0]).path.rpartition("/")[2]) < 22:
        yield "B2: the token is shorter than 128 bits"


def b3_one_click(sight: Sight) -> Iterator[str]:
    if [field.raw for field in sight.all("List-Unsubscribe-Post")] != [
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    ]:
        yield "B3: List-Unsubscribe-Post is not exactly as RFC 8058 has it"


def b10_feedback_id(sight: Sight) -> Iterator[str]:
    if not sight.all("Feedback-ID"):
        return
    parts = sight.value("Feedback-ID").split(":")
    if len(parts) > 4 or not 5 <= len(parts[-1]) <= 15:
        yield f"B10: Feedback-ID {sight.value('Feedback-ID')!r}"


def b11_auto_submitted(sight: Sight) -> Iterator[str]:
    if sight.kind == "notice" and sight.value("Auto-Submitted") != "auto-generated":
        yield "B11: a notice wants Auto-Submitted: auto-generated"
    if sight.kind == "edition" and not sight.mail_from:
        yield "B11: an edition's envelope sender is never empty"


ANY = (
    m1_each_field_once, m1_one_writer_one_reader, m2_lines, m4_encoded_words, m5_plain_fields, m6_no_strange_lines, m7_limits,
    m8_message_id, m9_date, m16_domains, m18_address_lengths, b10_feedback_id, b11_auto_submitted,
)  # fmt: skip
EDITION = (b1_list_id, b2_list_unsubscribe, b3_one_click)


def addresses(sight: Sight, name: str) -> list[str]:
    return [address for _, address in getaddresses([field.value for field in sight.all(name)]) if address]


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def decoded(value: str) -> str:
    """Encoded-words as text; blanks between two of them do not count (RFC 2047 section 6.2)."""
    joined = re.sub(r"(?<=\?=)\s+(?==\?)", "", value)
    return ENCODED_WORD.sub(lambda found: (_word_octets(found) or b"").decode("utf-8", "replace"), joined)


def is_ascii_domain(domain: str) -> bool:
    try:
        ipaddress.ip_address(domain.strip("[]"))
        return True
    except ValueError:
        pass
    labels = domain.split(".")
    if not domain.isascii() or not all(LABEL.fullmatch(label) for label in labels):
        return False
    try:
        return all(idna.decode(label) for label in labels if label.lower().startswith("xn--"))
    except idna.IDNAError:
        return False


def _encoded_words_of(field: Field) -> Iterator[str]:
    value = field.value
    if "=?" in ENCODED_WORD.sub(" ", value):
        yield f"M4: a broken encoded-word in {field.name}"
    if re.search(r'"[^"]*=\?[^"]*"', value):
        yield f"M4: an encoded-word inside quotes in {field.name}"
    for found in ENCODED_WORD.finditer(value):
        yield from (f"M4: an encoded-word {fault} in {field.name}" for fault in _word_faults(value, found))
    if any(b"=?" in line and len(line) > 76 for line in field.lines):
        yield f"M4: a line with an encoded-word longer than 76 in {field.name}"
    if CONTROLS.search(decoded(value)) or re.search(r"[\r\n]", decoded(value)):
        yield f"M4: control characters in {field.name}"


def _word_faults(value: str, found: re.Match[str]) -> Iterator[str]:
    before, after = value[: found.start()][-1:], value[found.end() :][:1]
    if len(found[0]) > 75:
        yield f"of {len(found[0])} characters"
    if before not in ("", " ", "\t", "(") or after not in ("", " ", "\t", ")"):
        yield "glued to its neighbour"
    if found[1].lower() != "utf-8" or not _is_utf8(_word_octets(found)):
        yield "that alone is no UTF-8"


def _word_octets(found: re.Match[str]) -> bytes | None:
    if found[2] in "qQ":
        return decodestring(found[3].encode("ascii"), header=True)
    try:
        return b64decode(found[3], validate=True)
    except Base64Error:
        return None


def _is_utf8(octets: bytes | None) -> bool:
    try:
        return octets is not None and octets.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def _cannot_fold(line: bytes) -> bool:
    """One address, or one URL in its brackets, after the name of the field."""
    rest = line.partition(b": ")[2] if re.match(rb"[!-9;-~]+: ", line) else line.strip()
    return b" " not in rest and b"\t" not in rest and (b"://" in rest or b"@" in rest or b"mailto:" in rest)


def _moment(found: re.Match[str]) -> datetime:
    zone = timedelta(hours=int(found[9]), minutes=int(found[10])) * (-1 if found[8] == "-" else 1)
    clock = int(found[5]), int(found[6]), int(found[7] or 0)
    return datetime(int(found[4]), MONTHS.index(found[3]) + 1, int(found[2]), *clock, tzinfo=timezone(zone))


def _personal_parts(address: str) -> set[str]:
    """The address, and those of its parts that cannot turn up in a random identifier."""
    local, _, domain = address.lower().rpartition("@")
    words = {word for word in re.split(r"[^a-z0-9]+", local) if len(word) >= 4 and re.search("[g-z]", word)}
    return {address.lower(), domain, *words} - {""}


def _folded(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def _host_of(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""
