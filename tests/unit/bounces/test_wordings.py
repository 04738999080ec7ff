"""What mail servers say in reports, and what it is taken for."""

from pathlib import Path

import pytest

from service.bounces import judging
from service.bounces.sayings import Saying

LINES = [
    line
    for name in ("wordings.txt", "wordings_more.txt")
    for line in (Path(__file__).parent / name).read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("line", LINES, ids=[line.split("|", 1)[1].strip()[:70] for line in LINES])
def test_what_is_said_of_a_recipient(line: str) -> None:
    kind, text = (part.strip() for part in line.split("|", 1))
    judged = judging.judge(Saying("reader@example.org", text.replace(r"\n", "\n")))
    assert judged.kind == kind, judged
