"""Files that are broken, or made to harm: none of them is an error nobody foresaw, swallows readers, or takes a thread for minutes."""

import pytest

from service.imports import packing, records, sayings
from service.imports.candidates import Candidate, Fault
from service.imports.packing import FileIsWorkbook
from service.imports.wishes import ColumnUnknown, Wishes
from tests.unit.imports.test_reading import read, seen


@pytest.mark.parametrize("start", [b"PK\x03\x04\x14\0\6\0", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_workbook_is_refused_with_what_to_do(start: bytes) -> None:
    with pytest.raises(FileIsWorkbook, match="save it as CSV"):
        packing.packed(start + b"[Content_Types].xml" * 100)


def test_what_is_shown_and_printed_of_a_file_holds_no_control_characters() -> None:
    data = "email,\0First\x1b[2J name,Note\nada@example.org,\0Ada\x1b]0;x\x07,x\n" + "n\0body,\x1b,y\n"
    chosen, look = seen(data)
    kept = look.model_dump_json()
    assert "\\u0000" not in kept
    assert "\\u001b" not in kept
    assert all(name.isprintable() for name in look.header)
    assert all(line.isprintable() for line in sayings.of_layout(chosen, look))
    assert len(sayings.column(seen(f"email,{'x' * 5_000}\na@example.org,\n")[1], 1)) == 80


def test_a_quote_that_swallows_a_million_characters_loses_no_reader() -> None:
    """Before its 500th line: the lines it held were lost with it."""
    rows = "".join(f"reader{number}@example.org,{'x' * 3_000}\n" for number in range(400))
    found = read(f'email,note\nada@example.org,"never closed\n{rows}')
    assert [(one.line, one.said) for one in found if isinstance(one, Fault)] == [(2, records.UNCLOSED)]
    assert sum(1 for one in found if isinstance(one, Candidate)) == 400


def test_a_line_of_more_than_a_million_characters_is_a_fault_by_itself() -> None:
    long = "x" * 600_000
    found = read(f'email,a,b\nada@example.org,"{long}",{long}\nole@example.org,,\n')
    assert [type(one) for one in found] == [Fault, Candidate]
    assert isinstance(found[0], Fault)
    assert found[0].said == records.TOO_LONG
    behind = list(records.read(['a,"b\n', f"{long}{long}\n", "c,d\n"], ","))
    assert [(one.line, one.problem) for one in behind] == [
        (1, records.UNCLOSED),
        (2, records.TOO_LONG),
        (3, ""),
    ]


def test_a_file_broken_in_every_line_is_read_without_looking_far_ahead_each_time() -> None:
    lines = [f'reader{number}@example.org,5" disc,"Ada\n' for number in range(3_000)]
    handed = 0
    original = records._Lines.__next__

    def counted(self: records._Lines) -> str:
        nonlocal handed
        handed += 1
        return original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records._Lines, "__next__", counted)
        found = list(records.read(lines, ","))
    assert [one.line for one in found] == list(range(1, 3_001))
    assert handed < 10 * len(lines)


def test_a_few_open_quotes_do_not_shorten_a_long_text_in_good_order() -> None:
    broken = [f'r{number}@example.org,5" x,"y\n' for number in range(20)]
    good = [f"g{number}@example.org,x\n" for number in range(150)]
    letter = ['ada@example.org,"', *["a line\n"] * 50, 'the end"\n']
    found = list(records.read([*broken, *good, *letter], ","))
    assert len(found[-1].cells[1].splitlines()) == 51


@pytest.mark.parametrize(
    "cell",
    ["ada@example.org (Ada Lovelace, Elm Street 1, born 10.12.1815)", "ada@example.org; eva@example.net Eva", "ada@exa mple"],
)  # fmt: skip
def test_a_hint_keeps_nothing_behind_the_domain(cell: str) -> None:
    _, look = seen(f'email,x\n"{cell}",\nole@example.org,\n')
    assert look.problems[0].hint in ("a***@example.org", "a***@exa")


@pytest.mark.parametrize("number", ["9" * 5_000, "0", "1001", "-1", "٣" * 5_000])
def test_a_number_that_is_none_of_a_column_is_said(number: str) -> None:
    wide = ";".join(["email"] + [f"c{place}" for place in range(1_200)])
    for said in (Wishes(email=number), Wishes(first_name=number), Wishes(status=number)):
        with pytest.raises(ColumnUnknown):
            seen(f"{wide}\nada@example.org;\n", said)
    with pytest.raises(ColumnUnknown):
        seen(f"{wide}\nada@example.org;\n", Wishes(email="c1100"))
