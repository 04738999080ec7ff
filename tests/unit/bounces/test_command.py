"""`memo bounce --explain`: one line of JSON, no database."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import bounce_score

NO_DATABASE = {"MEMO_DATABASE_URL": "sqlite:////nowhere/at/all.db"}


def ran(tmp_path: Path, mail: bytes | int) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "service", "bounce", "--explain"]
    environment = {**os.environ, **NO_DATABASE, "PYTHONPATH": str(bounce_score.ROOT)}
    stdin = mail if isinstance(mail, int) else subprocess.PIPE
    with subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
    ) as process:
        out, said = process.communicate(mail if isinstance(mail, bytes) else None, timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, said)


def test_it_prints_one_line_and_touches_nothing(tmp_path: Path) -> None:
    done = ran(tmp_path, bounce_score.message("lhost-gmx-03.eml"))
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", 1)
    told = json.loads(done.stdout)
    assert (told["kind"], told["status"], told["rule"]) == ("permanent", "5.2.1", "no-such-mailbox")
    assert told["recipients"] == ["mikeneko@example.co.jp", "sabineko@example.co.jp"]
    assert [one["kind"] for one in told["findings"]] == ["permanent", "transient"]
    assert "RFC 3463" in told["source"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_terminal", [False, True], ids=["nothing", "a terminal"])
def test_without_a_mail_it_says_how_to_give_one(tmp_path: Path, is_terminal: bool) -> None:
    ours, theirs = pty.openpty()
    try:
        done = ran(tmp_path, theirs if is_terminal else b" \n")
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 1
    assert done.stdout == b""
    assert b"memo bounce --explain < mail" in done.stderr
