"""The two forms of a proof, and that any change of one is found."""

import csv
import hashlib
import io
import json
import uuid
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from service import tokens
from service.ledger.lines import Line, Totals
from service.ledger.models import DeliveryState
from service.proofs import checking, seal
from service.proofs.checking import Altered, Incomplete, KeyNotKnown, NotAProof
from service.proofs.facts import Facts, Rendered
from service.proofs.forms import CSV, FORMS, JSON, Form, Showing
from service.proofs.seal import PublicKeyInvalid
from service.proofs.signature import Seal

AT = datetime(2026, 3, 2, 5, 0, 1, 250_000, tzinfo=UTC)
KEYS = tokens.keys_from("a-key-for-tests")
LINES = [
    Line(1, "ada@example.org", DeliveryState.ACCEPTED, 1, 0, "250 2.0.0 Ok: queued", AT, 7),
    Line(2, "noor@example.net", DeliveryState.REFUSED, 1, 0, "550 5.1.1 no such user", AT, 7),
    Line(3, "=2+3@example.org", DeliveryState.SKIPPED, 0, 0, "Left before the message's turn came.", AT, None),
    Line(4, "jösé@example.org", DeliveryState.HELD, 2, 2, "connection lost\r\nafter the dot", AT, 7),
    Line(5, "eve@example.org", DeliveryState.ACCEPTED, 2, 1, "250 2.0.0 Ok\r\n250 “queued”", AT, 7, AT, "550 5.1.1 no such user"),
]  # fmt: skip


def tally_of(lines: list[Line]) -> Totals:
    found = Totals()
    found.add(lines)
    return found


FACTS = Facts(
    edition_id=1,
    newsletter_slug="morning-memo",
    newsletter_name="Morning Memo, “daily”",
    time_zone="Europe/Berlin",
    uid=uuid.UUID("0198c7a4-0d3e-7b1c-9f00-1a2b3c4d5e6f"),
    local_date=date(2026, 3, 2),
    slot=1,
    subject="Ferry returns",
    standing="sent, 1 missing",
    cutoff_at=AT,
    started_at=AT,
    ended_at=AT,
    is_final=True,
    totals=tally_of(LINES),
    renditions=(Rendered("ab" * 32, AT, 2, "cd" * 32),),
    rendition_numbers={7: 1},
    made_at=AT,
)


def made(form: Form, *, keys: tokens.Keys = KEYS, whole: bool = True) -> bytes:
    showing = Showing(whole, FACTS.rendition_numbers)
    text = form.opening(FACTS, showing) + form.rows(LINES[:3], showing, True)
    text += form.rows(LINES[3:], showing, False) + form.closing(tally_of(LINES))
    return text + form.sealed(seal.sign(keys, hashlib.sha256(text).hexdigest()))


def check(data: bytes, *, keys: tokens.Keys = KEYS) -> checking.Genuine:
    return checking.check(io.BytesIO(data), seal.public_keys(keys))


def test_json_is_json_with_every_reader_and_totals_that_add_up() -> None:
    read = json.loads(made(JSON))
    totals = read["proof"]["totals"]
    assert [row["number"] for row in read["deliveries"]] == [1, 2, 3, 4, 5]
    assert read["listed"] == totals
    ends = ("accepted", "refused", "expired", "skipped", "cancelled", "held", "open")
    assert totals["audience"] == sum(totals[name] for name in ends) == 5
    assert totals["may_have_come_twice"] == 2
    assert totals["bounced_later"] == 1 <= totals["accepted"]
    assert read["deliveries"][0] == {
        "number": 1, "address": "ada@example.org", "state": "accepted", "at": "2026-03-02T05:00:01.250000Z",
        "reply": "250 2.0.0 Ok: queued", "reason": None, "attempts": 1, "unclear": 0,
        "may_have_come_twice": False, "rendition": 1, "bounced_at": None, "bounced": None,
    }  # fmt: skip
    back = read["deliveries"][4]
    assert (back["bounced_at"], back["bounced"]) == (back["at"], "550 5.1.1 no such user")
    skipped = read["deliveries"][2]
    assert (skipped["reply"], skipped["reason"]) == (None, "Left before the message's turn came.")
    assert read["proof"]["renditions"][0]["sha256"] == "ab" * 32


def test_csv_is_a_table_for_people_and_runs_nothing() -> None:
    text = made(CSV).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert ["newsletter name", "Morning Memo, “daily”"] in rows
    assert ["totals accepted", "2"] in rows
    head = next(index for index, row in enumerate(rows) if row[:2] == ["number", "address"])
    table = [dict(zip(rows[head], row, strict=True)) for row in rows[head + 1 : head + 6]]
    assert [row["state"] for row in table] == ["accepted", "refused", "skipped", "held", "accepted"]
    assert table[2]["address"] == "'=2+3@example.org"
    assert table[3]["address"] == "jösé@example.org"
    assert table[4]["reply"] == "250 2.0.0 Ok 250 “queued”"
    assert (table[0]["may_have_come_twice"], table[4]["may_have_come_twice"]) == ("no", "yes")
    assert all(line.endswith("\r\n") for line in text.splitlines(keepends=True))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_addresses_are_masked_and_the_file_says_so(form: Form) -> None:
    masked = made(form, whole=False).decode()
    assert "ada@example.org" not in masked
    assert "a***@example.org" in masked
    assert "masked" in masked
    assert "masked" not in made(form).decode()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_genuine_proof_says_what_it_is(form: Form) -> None:
    said = str(check(made(form)))
    assert said.startswith("Genuine: Morning Memo, “daily”, 2026-03-02, “Ferry returns”: sent, 1 missing.")
    assert "accepted 2 of 5" in said


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_it_is_genuine_whatever_the_signature_begins_with(form: Form) -> None:
    """In base64 one in 64 began with a plus, which the table led with an apostrophe as it does any formula."""
    for number in range(300):
        keys = tokens.keys_from(f"a-key-for-tests-{number}")
        assert check(made(form, keys=keys), keys=keys).accepted == 2


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_change_of_any_byte_is_found(form: Form) -> None:
    genuine = made(form)
    for place in range(len(genuine)):
        changed = bytearray(genuine)
        changed[place] ^= 1
        with pytest.raises((Altered, Incomplete, KeyNotKnown, NotAProof)):
            check(bytes(changed))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_cut_off_put_in_or_added_is_found(form: Form) -> None:
    genuine = made(form)
    lines = genuine.splitlines(keepends=True)
    with pytest.raises(Incomplete):
        check(b"".join(lines[:-1]))
    with pytest.raises(Incomplete):
        check(genuine[:-1])
    with pytest.raises(Incomplete):
        check(genuine + b"\n")
    with pytest.raises(Altered, match="something in it was changed"):
        check(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(Altered):
        check(b"".join([*lines[:4], lines[3], *lines[4:]]))


def test_a_signature_that_fits_another_text_is_not_enough() -> None:
    """Whoever changes a row can compute its hash, but not sign it."""
    body, _, last = made(JSON).rstrip(b"\n").rpartition(b"\n")
    body = body.replace(b'"refused","at"', b'"accepted","at"') + b"\n"
    value = json.loads(b"{" + last)["signature"]
    forged = Seal(value["key"], hashlib.sha256(body).hexdigest(), value["value"])
    with pytest.raises(Altered, match="not made with the key"):
        check(body + JSON.sealed(forged))


@pytest.mark.parametrize("text", [b"", b"\n", b"{}", b"number,address\r\n", b"\x00" * 100, b"x" * 1_100_000])
def test_other_files_are_no_proofs(text: bytes) -> None:
    with pytest.raises(NotAProof):
        check(text)


def test_a_proof_outlives_a_change_of_key_and_no_stranger_can_make_one() -> None:
    old = made(JSON)
    assert check(old, keys=tokens.keys_from("a-new-key, a-key-for-tests"))
    with pytest.raises(KeyNotKnown, match="/proof-keys"):
        check(old, keys=tokens.keys_from("a-stranger"))
    assert check(
        made(JSON, keys=tokens.keys_from("a-new-key, a-key-for-tests")), keys=tokens.keys_from("a-new-key")
    )


def test_the_key_comes_from_the_secret_alone_and_does_not_give_it_away() -> None:
    (name,) = seal.public_keys(KEYS)
    assert name == next(iter(seal.public_keys(tokens.keys_from("a-key-for-tests"))))
    assert name != next(iter(seal.public_keys(tokens.keys_from("a-key-for-tests."))))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no key",
        b"{",
        b"{}",
        b'{"keys": [1]}',
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ],
)
def test_what_is_no_public_key_is_refused(data: bytes) -> None:
    with pytest.raises(PublicKeyInvalid):
        seal.read_published(data)


def test_anybody_can_check_one_with_other_tools() -> None:
    """As docs/decisions/ says: the hash of all lines but the last, and any Ed25519 with the published key."""
    body, last = made(CSV).rstrip(b"\r\n").rsplit(b"\r\n", 1)
    digest = hashlib.sha256(body + b"\r\n").hexdigest()
    _, _, key, written, value = last.decode().split(",")
    assert written == digest
    public = load_pem_public_key(seal.pem(seal.public_keys(KEYS)[key]).encode())
    assert isinstance(public, Ed25519PublicKey)
    public.verify(bytes.fromhex(value), f"Morning Memo proof 1\n{digest}\n".encode())
