"""`memo import`: a list is looked at, brought in without a worker, and brought in again to no effect."""

from pathlib import Path

from tests.service.command.test_memo import memo, said

CONSENT = ("--consent", "Signed on paper at the open day, March 2024.")


def made(folder: Path) -> None:
    memo(
        folder, "newsletter", "create", "--slug", "morning-memo", "--name", "Morning Memo", "--from-address",
        "memo@news.example.org", "--postal-address", "1 Pier Street", "--time-zone", "Europe/Berlin",
    )  # fmt: skip


def test_a_list_is_looked_at_brought_in_and_brought_in_again(migrated: Path) -> None:
    made(migrated)
    rows = "E-Mail;Vorname\r\nada@example.org;Zoë\r\nADA@example.org;Ada\r\nnobody;x\r\n".encode(
        "windows-1252"
    )
    (migrated / "list.csv").write_bytes(rows)
    command = ("import", "morning-memo", "list.csv")

    looked = memo(migrated, *command, "--dry-run").stdout
    assert "Windows-1252" in looked
    assert "semicolons, with a header" in looked
    assert "3 rows, 1 of which can be brought in" in looked
    assert "line 4: " in looked
    assert "(n***)" in looked
    assert "--consent" in said(memo(migrated, *command))

    assert "1  new readers" in memo(migrated, *command, *CONSENT).stdout
    again = memo(migrated, *command, *CONSENT).stdout
    assert "0  new readers" in again
    assert "1  read it already: unchanged" in again


def test_what_is_wrong_is_said_before_anything_is_done(migrated: Path) -> None:
    made(migrated)
    (migrated / "list.csv").write_text("a;b\nada@example.org;ole@example.org\n")
    (migrated / "empty.csv").write_text("\n")
    assert "is empty" in said(memo(migrated, "import", "morning-memo", "empty.csv", *CONSENT))
    assert "no newsletter" in said(memo(migrated, "import", "evening", "list.csv", "--dry-run"))
    assert "no such column" in said(
        memo(migrated, "import", "morning-memo", "list.csv", "--email-column", "c")
    )
    chosen = ("--email-column", "b", "--delimiter", "semicolon", *CONSENT)
    assert "1  new readers" in memo(migrated, "import", "morning-memo", "list.csv", *chosen).stdout


def test_the_columns_of_the_status_are_named_and_their_values_shown(migrated: Path) -> None:
    made(migrated)
    (migrated / "list.csv").write_text("email,state\nada@example.org,NY\nole@example.org,unsubscribed\n")
    command = ("import", "morning-memo", "list.csv")
    looked = memo(migrated, *command, "--dry-run").stdout
    assert "A status is in column 2, state." in looked
    assert "state: NY, 1 times: not known here, left out" in looked
    assert "1 are left out: their status is not known here." in looked
    without = memo(migrated, *command, "--status-column", "none", "--dry-run").stdout
    assert "2 rows, 2 of which can be brought in" in without
    wrong = memo(migrated, *command, "--status-column", "nowhere", "--dry-run")
    assert "no such column" in said(wrong)
