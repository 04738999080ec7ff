"""NB-46: CSV as real spreadsheets write it, read before anything is done with it."""

import codecs
import csv
import io
import random
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.imports import candidates, columns, layout, looking, packing, records, wishes
from service.imports.candidates import Candidate, Fault, Outcome
from service.imports.layout import NoAddresses
from service.imports.looking import Look
from service.imports.packing import Encoding, FileEmpty, FileIsWorkbook, FileTooLarge
from service.imports.wishes import ColumnUnknown, DelimiterUnknown, EncodingUnknown, Wishes

ROWS = "Email;First name;Last name\r\nada@example.org;Zoë;Okafor\r\nole@example.org;Ole;Lie\r\n"


def seen(data: bytes | str, said: Wishes | None = None) -> tuple[layout.Layout, Look]:
    kept = packing.packed(data if isinstance(data, bytes) else data.encode())
    chosen = wishes.layout_of(kept, said or Wishes())
    return chosen, looking.look(kept, chosen)


def read(data: bytes | str, said: Wishes | None = None) -> list[Candidate | Fault]:
    kept = packing.packed(data if isinstance(data, bytes) else data.encode())
    chosen = wishes.layout_of(kept, said or Wishes())
    return list(candidates.of_file(kept, chosen))


def people(data: bytes | str) -> list[tuple[int, str, str | None]]:
    return [(one.line, one.wire, one.first_name) for one in read(data) if isinstance(one, Candidate)]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (ROWS.encode("utf-8-sig"), Encoding.UTF_8),
        (ROWS.encode(), Encoding.UTF_8),
        (codecs.BOM_UTF16_LE + ROWS.encode("utf-16-le"), Encoding.UTF_16_LE),
        (ROWS.encode("utf-16-le"), Encoding.UTF_16_LE),
        (codecs.BOM_UTF16_BE + ROWS.encode("utf-16-be"), Encoding.UTF_16_BE),
        (ROWS.encode("utf-16-be"), Encoding.UTF_16_BE),
        (ROWS.encode("windows-1252"), Encoding.WINDOWS_1252),
    ],
)
def test_nb_46_encodings_are_recognised_with_and_without_a_mark(data: bytes, encoding: Encoding) -> None:
    chosen, look = seen(data)
    assert (chosen.encoding, chosen.delimiter, chosen.email, chosen.first_name) == (encoding, ";", 0, 1)
    assert look.header == ["Email", "First name", "Last name"]
    assert people(data) == [(2, "ada@example.org", "Zoë"), (3, "ole@example.org", "Ole")]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_nb_46_delimiters_and_line_ends(delimiter: str, end: str) -> None:
    data = ROWS.replace("\r\n", end).replace(";", delimiter)
    chosen, _ = seen(data)
    assert chosen.delimiter == delimiter
    assert people(data) == [(2, "ada@example.org", "Zoë"), (3, "ole@example.org", "Ole")]


@pytest.mark.parametrize(
    "name", ["email", "e-mail", "E-Mail Address", "EMAIL", " mail ", "E-Mail-Adresse", "Courriel", "EMAIL_ADDRESS"]
)  # fmt: skip
def test_nb_46_the_column_of_addresses_has_many_names(name: str) -> None:
    assert seen(f"Notes,{name}\nnothing,ada@example.org\n")[0].email == 1


@pytest.mark.parametrize("name", ["first name", "First_Name", "Vorname", "prénom", "PRE\u0301NOM", "fname"])
def test_nb_46_the_column_of_first_names_has_many_names(name: str) -> None:
    assert people(f"email,{name}\nada@example.org,Ada\n") == [(2, "ada@example.org", "Ada")]


def test_nb_46_without_a_header_and_under_a_name_nobody_knows() -> None:
    chosen, look = seen("ada@example.org;Ada\nole@example.org;Ole\n")
    assert (chosen.has_header, chosen.email, look.good) == (False, 0, 2)
    assert look.header == ["Column 1", "Column 2"]
    assert seen("Name;Kontakt\nAda;ada@example.org\n")[0].email == 1
    assert people("Email;Email\n;ada@example.org\n;ole@example.org\n") == [
        (2, "ada@example.org", None),
        (3, "ole@example.org", None),
    ], "of two columns of one name the one with addresses"
    nothing, look = seen("Name;Town\nAda;Port Linden\n")
    assert nothing.email is None
    assert (look.rows, look.good) == (0, 0)
    with pytest.raises(NoAddresses):
        read("Name;Town\nAda;Port Linden\n")


def test_nb_46_blanks_before_quotes_quoted_line_breaks_and_what_excel_says() -> None:
    data = 'sep=;\n "Email"; "Vorname"; "Note"\n "ada@example.org"; "A\r\nda"; "x; ""y"""\n\n "ole@example.org"\n'
    assert people(data) == [(3, "ada@example.org", "A da"), (6, "ole@example.org", None)]


def test_nb_46_a_bad_row_has_its_line_number_and_the_others_go_in() -> None:
    data = "email,name\nada@example.org,A,3,4,5,6,7,8,9\n\nnobody\n,B\nole@example.org\n\x00@example.org,x\nkim@example.org,\x00\n"
    good = people(data)
    assert [line for line, _, _ in good] == [2, 6, 8]
    bad = [one for one in read(data) if isinstance(one, Fault)]
    assert [(one.line, one.outcome) for one in bad] == [
        (4, Outcome.INVALID),
        (5, Outcome.INVALID),
        (7, Outcome.INVALID),
    ]
    assert "@-sign" in bad[0].said
    assert bad[1].said == candidates.NO_ADDRESS
    assert bad[0].hint == "n***"


def test_nb_46_a_field_of_200_kilobytes_json_and_a_date_in_the_future_are_no_reason_to_refuse_a_row() -> None:
    large = "x" * 200_000
    data = f'email,attributes,created_at,letter\nada@example.org,"{{""city"": ""Oslo, N""}}",2099-01-01,{large}\nole@example.org,,,\n'
    assert [wire for _, wire, _ in people(data)] == ["ada@example.org", "ole@example.org"]
    beyond = f"email,letter\nada@example.org,{'x' * 1_000_001}\nole@example.org,\n"
    assert [(one.line, type(one)) for one in read(beyond)] == [(2, Fault), (3, Candidate)]


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_nb_46_an_empty_file_is_refused(data: bytes) -> None:
    with pytest.raises(FileEmpty):
        packing.packed(data)


def test_nb_46_a_header_alone_holds_nobody_and_too_much_is_refused() -> None:
    chosen, look = seen("Email;Vorname\r\n")
    assert (chosen.email, look.rows, look.good) == (0, 0, 0)
    with pytest.raises(FileTooLarge, match="20 MB"):
        packing.packed(b"x" * (packing.MOST_OCTETS + 1))


def test_nb_46_a_quote_that_nobody_closes_swallows_no_reader() -> None:
    rows = "".join(f"reader{number}@example.org,N\n" for number in range(2_000))
    data = f'email,name\nada@example.org,"A\n{rows}ole@example.org,"O"\n'
    found = read(data)
    assert [(one.line, one.said) for one in found if isinstance(one, Fault)] == [(2, records.UNCLOSED)]
    assert len(found) == 2_002
    # At the end of the file, and where a later quote seems to close it.
    assert [type(one) for one in read('email,name\nada@example.org,"A\nole@example.org,O')] == [
        Fault,
        Candidate,
    ]
    assert [type(one) for one in read('email,name\na@example.org,"A\nb@example.org,\nc@example.org,"C"\n')] == [
        Fault, Candidate, Candidate,
    ]  # fmt: skip


def test_nb_20_one_address_in_other_letters_is_one_reader() -> None:
    spellings = ("User@Example.ORG", "user@example.org", " user@example.org ", "\u200buser@example.org", "<user@example.org>",
                 "mailto:user@example.org", "user@example.org.")  # fmt: skip
    found = read("email\n" + "\n".join(spellings) + "\nuser+tag@example.org\nuser@exam\u00a0ple.org\n")
    assert [one.outcome for one in found if isinstance(one, Fault)] == [Outcome.REPEATED] * 6 + [
        Outcome.INVALID
    ]
    assert [one.key for one in found if isinstance(one, Candidate)] == [
        "user@example.org",
        "user+tag@example.org",
    ]


def test_who_is_no_reader_elsewhere_becomes_none_here() -> None:
    listmonk = "uuid,email,name,status\n1,ada@example.org,Ada O,enabled\n2,ole@example.org,Ole,blocklisted\n"
    assert [type(one) for one in read(listmonk)] == [Candidate, Fault]
    mailchimp = (
        "Email Address,First Name,UNSUB_TIME\nada@example.org,Ada,\nole@example.org,Ole,2024-05-01 10:00:00\n"
    )
    gone = read(mailchimp)[1]
    assert isinstance(gone, Fault)
    assert gone.outcome is Outcome.GONE


def test_a_name_that_cannot_be_used_keeps_nobody_out() -> None:
    found = read(f"email,vorname\nada@example.org,{'x' * 81}\nole@example.org,\u202eOle\n")
    assert [one.first_name for one in found if isinstance(one, Candidate)] == [None, "Ole"]
    _, look = seen(f"email,vorname\nada@example.org,{'x' * 81}\n")
    assert (look.good, look.problems[0].line, look.problems[0].said) == (1, 2, candidates.NAME_LEFT_OUT)


def test_what_is_said_is_believed_and_what_is_not_known_is_refused() -> None:
    chosen, look = seen(
        "a;b\nada@example.org;ole@example.org\n", Wishes(email="b", first_name="1", delimiter="semicolon")
    )
    assert (chosen.email, chosen.first_name, look.good) == (1, 0, 1)
    assert seen("Zoë".encode("windows-1252"), Wishes(encoding="UTF-8"))[0].encoding is Encoding.UTF_8
    for said, error in (
        (Wishes(email="c"), ColumnUnknown),
        (Wishes(email="9"), ColumnUnknown),
        (Wishes(delimiter="x"), DelimiterUnknown),
        (Wishes(encoding="latin9"), EncodingUnknown),
    ):
        with pytest.raises(error):
            seen("a;b\n1;2\n", said)


def test_problems_show_no_address_and_no_more_than_a_hundred_are_kept() -> None:
    _, look = seen("email\n" + "".join(f"anna.berg{number}@-bad-.example\n" for number in range(150)))
    assert (len(look.problems), look.problem_count, look.invalid) == (100, 150, 150)
    assert look.problems[0].hint == "a***@-bad-.example"
    assert "anna" not in look.model_dump_json(exclude={"first"})


def test_nb_55_a_long_file_is_read_as_a_stream() -> None:
    pulled = 0

    def lines() -> Iterator[str]:
        nonlocal pulled
        for number in range(100_000):
            pulled += 1
            yield f"reader{number}@example.org\n"

    chosen = layout.Layout(encoding=Encoding.UTF_8, delimiter=",", has_header=False, email=0)
    next(candidates.read(lines(), chosen))
    assert pulled < 5


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=20)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=6), min_size=1, max_size=20),
    st.sampled_from(layout.DELIMITERS),
)
def test_what_python_writes_as_csv_is_read_as_it_was(rows: list[list[str]], delimiter: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    kept = packing.packed(written.getvalue().encode())
    with packing.text(kept, Encoding.UTF_8) as text:
        found = [one.cells for one in records.read(text, delimiter)]
    assert found == [row for row in rows if any(cell.strip() for cell in row)]


@given(st.binary(min_size=1, max_size=3_000))
def test_no_file_is_an_unforeseen_error(data: bytes) -> None:
    try:
        chosen, look = seen(data)
    except (FileEmpty, FileIsWorkbook):
        return
    assert look.rows == look.good + look.repeated + look.gone + look.unknown + look.invalid
    if chosen.email is not None:
        found = read(data)
        assert len(found) == look.rows
        assert [one.line for one in found] == sorted(one.line for one in found)


@given(
    st.lists(st.sampled_from(['"', ",", "\n", "a", "a@example.org", '""', " "]), max_size=60), st.randoms()
)
def test_every_line_is_in_one_record(pieces: list[str], _seed: random.Random) -> None:
    lines = io.StringIO("".join(pieces)).readlines()
    found = list(records.read(lines, ","))
    assert all(first.line < second.line for first, second in pairwise(found))
    assert all(1 <= one.line <= len(lines) for one in found)


@given(st.text(max_size=40))
def test_a_spelling_is_one_whatever_it_is_written_with(name: str) -> None:
    assert columns.spelled(columns.spelled(name)) == columns.spelled(name)
