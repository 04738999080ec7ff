"""What another service says of a person: consent fails closed, and a person sees beforehand what each word does."""

import pytest

from service.imports import looking, sayings, standings, wishes
from service.imports.candidates import Candidate, Fault, Outcome
from service.imports.layout import Layout
from service.imports.standings import Kind, Standing, Verdict
from service.imports.wishes import ColumnUnknown, Wishes
from tests.unit.imports.test_reading import read, seen


def outcomes(data: str, said: Wishes | None = None) -> list[Outcome | None]:
    return [one.outcome if isinstance(one, Fault) else None for one in read(data, said)]


@pytest.mark.parametrize(
    "word",
    ["false", "no", "0", "inaktiv", "Unsubscribed (by admin)", "Never subscribed", "do not contact", "désinscrit", "abbestellt",
     "canceled", "stopped", "soft bounced", "Bounced - hard", "Not subscribed", "cleaned", "2024-05-01 10:00:00", "pending"],
)  # fmt: skip
def test_a_status_that_says_gone_brings_nobody_in(word: str) -> None:
    assert outcomes(f"email,status\nada@example.org,{word}\n") == [Outcome.GONE]


@pytest.mark.parametrize(
    "word", ["subscribed", "Active", "enabled", "confirmed", "yes", "1", "abonniert", ""]
)
def test_a_status_of_a_reader_or_none_at_all_keeps_nobody_out(word: str) -> None:
    assert outcomes(f"email,status\nada@example.org,{word}\n") == [None]


def test_a_status_that_nobody_knows_is_left_out_and_said() -> None:
    found = read(
        "email,status\nada@example.org,parti\nole@example.org,ok@example.org\nkim@example.org,never\n"
    )
    assert [one.outcome for one in found if isinstance(one, Fault)] == [Outcome.UNKNOWN] * 3
    assert isinstance(found[0], Fault)
    assert isinstance(found[1], Fault)
    assert (found[0].said, found[0].hint) == ("Its status “parti” is not known here.", "a***@example.org")
    assert "ok@" not in found[1].said, "no address stands in what is kept"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Status", Kind.STATUS),
        ("State", Kind.STATUS),
        ("Global Status", Kind.STATUS),
        ("Subscriber Status", Kind.STATUS),
        ("Subscribed", Kind.JOINED),
        ("subscribed_to_emails", Kind.JOINED),
        ("Email Marketing Consent", Kind.JOINED),
        ("Accepts Email Marketing", Kind.JOINED),
        ("is_active", Kind.JOINED),
        ("Unsubscribed", Kind.GONE),
        ("Unsubscribed At", Kind.GONE),
        ("UNSUB_TIME", Kind.GONE),
        ("CLEAN_TIME", Kind.GONE),
        ("Blocklisted", Kind.GONE),
        ("opted_out", Kind.GONE),
        ("Email Opt-Out", Kind.GONE),
        ("Has Bounced", Kind.GONE),
        ("deleted_at", Kind.GONE),
        ("Unsubscribe Link", None),
        ("OPTIN_TIME", None),
        ("OPTIN_IP", None),
        ("subscribed_at", None),
        ("First Name", None),
        ("Notes", None),
    ],
)
def test_headers_say_how_their_column_is_to_be_understood(header: str, kind: Kind | None) -> None:
    assert standings.kind_of(header) is kind


@pytest.mark.parametrize(
    ("header", "reader", "gone", "unknown"),
    [
        ("Subscribed", ("yes", "TRUE", "1", "x", "2021-04-01", "✓"), ("no", "false", "0", "", "never", "unsubscribed"), ("NY", "2")),
        ("Unsubscribed", ("no", "FALSE", "0", "", "-", "0000-00-00", "null", "✗"),
         ("yes", "true", "1", "✓", "2024-05-01", "3"), ("moved", "confirmed", "#")),
    ],
)  # fmt: skip
def test_a_yes_is_a_reader_or_none_by_what_its_column_asks(
    header: str, reader: tuple[str, ...], gone: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    kind = standings.kind_of(header)
    assert kind is not None
    assert {cell: standings.verdict(cell, kind) for cell in reader} == dict.fromkeys(reader, Verdict.READER)
    assert {cell: standings.verdict(cell, kind) for cell in gone} == dict.fromkeys(gone, Verdict.GONE)
    assert {cell: standings.verdict(cell, kind) for cell in unknown} == dict.fromkeys(
        unknown, Verdict.UNKNOWN
    )


def test_every_column_is_asked_and_one_that_says_gone_is_enough() -> None:
    data = (
        "email,status,blocklisted,opted_out\n"
        "ada@example.org,active,no,\n"
        "ole@example.org,active,yes,\n"
        "kim@example.org,active,no,2024-05-01\n"
        "eva@example.org,odd,no,yes\n"
    )
    assert outcomes(data) == [None, Outcome.GONE, Outcome.GONE, Outcome.GONE]
    assert [one.place for one in seen(data)[0].standing] == [1, 2, 3]


def test_a_person_names_the_columns_of_the_status_or_says_that_there_is_none() -> None:
    data = (
        "email,Remark,state\nada@example.org,unsubscribed,NY\nole@example.org,,NY\nkim@example.org,yes,NY\n"
    )
    assert outcomes(data) == [Outcome.GONE, Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert outcomes(data, Wishes(status="none")) == [None] * 3
    # Of a column whose name says nothing, a mere yes says nothing either.
    assert outcomes(data, Wishes(status="remark")) == [Outcome.GONE, None, Outcome.UNKNOWN]
    assert [one.place for one in seen(data, Wishes(status="2, state"))[0].standing] == [1, 2]
    with pytest.raises(ColumnUnknown):
        seen(data, Wishes(status="remark,nowhere"))


def test_the_preview_lists_the_values_and_what_becomes_of_each() -> None:
    data = "email,status,unsub_time\n" + "".join(
        f"reader{number}@example.org,{word},{day}\n"
        for number, (word, day) in enumerate([("active", "")] * 3 + [("gone fishing", "2024-05-01"), ("active", "2024-05-02")])
    )  # fmt: skip
    _, look = seen(data)
    assert (look.good, look.gone, look.unknown) == (3, 2, 0)
    assert [(one.place, one.value, one.count, one.verdict) for one in look.statuses] == [
        (1, "active", 4, Verdict.READER),
        (2, "(empty)", 3, Verdict.READER),
        (2, "a date", 2, Verdict.GONE),
        (1, "gone fishing", 1, Verdict.UNKNOWN),
    ]
    assert "status: gone fishing, 1 times: not known here, left out" in list(sayings.of_values(look))


def test_the_preview_shows_twenty_values_and_counts_the_others() -> None:
    _, look = seen("email,status\n" + "".join(f"r{n}@example.org,word{n}\n" for n in range(3_000)))
    assert (len(look.statuses), look.unknown) == (looking.SHOWN_VALUES, 3_000)
    assert look.distinct <= standings.MOST_VALUES + 1
    assert look.statuses[0].value == standings.OTHERS


def test_who_is_gone_in_one_row_is_brought_in_by_none() -> None:
    data = "email,status\nada@example.org,active\nole@example.org,active\nADA@example.org,unsubscribed\nole@example.org,odd\n"
    assert outcomes(data) == [Outcome.GONE, Outcome.UNKNOWN, Outcome.GONE, Outcome.UNKNOWN]
    assert not any(isinstance(one, Candidate) for one in read(data))


def test_a_layout_kept_while_there_was_one_column_is_still_read() -> None:
    kept = {"encoding": "utf-8", "delimiter": ",", "has_header": True, "email": 0, "first_name": None}
    assert Layout.model_validate(kept | {"standing": None}).standing == ()
    one = Layout.model_validate(kept | {"standing": 2})
    assert one.standing == (Standing(place=2, kind=Kind.STATUS),)
    assert Layout.model_validate(one.model_dump(mode="json")) == one


def test_an_address_column_is_no_status() -> None:
    chosen, _ = seen("subscriber,subscribed\nada@example.org,yes\n")
    assert (chosen.email, [one.place for one in chosen.standing]) == (0, [1])
    assert wishes.Wishes().status == ""


def test_words_that_only_a_status_has_are_known_without_a_header_too() -> None:
    assert outcomes("ada@example.org;Ada;subscribed\nole@example.org;Ole;Unsubscribed\n") == [
        None,
        Outcome.GONE,
    ]
    assert outcomes("email;Zustand im CRM\nada@example.org;\nole@example.org;abgemeldet\n") == [
        None,
        Outcome.GONE,
    ]
