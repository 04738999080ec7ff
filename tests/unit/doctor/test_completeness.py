"""Every finding that the code can make is provoked in a test, and its topic is told in docs/DELIVERABILITY.md."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROOM = ROOT / "service" / "doctor"
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
TOPICS = {
    topic
    for line in HEADING.findall((ROOT / "docs" / "DELIVERABILITY.md").read_text())
    for topic in line.split(", ")
}
CODE = re.compile(rf'"((?:{"|".join(TOPICS)})\.[a-z_]+)"')
ANY_CODE = re.compile(r'(?:Finding|say|_say|_broken|_bad|_unknown)\(\s*(?:[a-z.]+, )*"([a-z_]+)\.[a-z_]+"')


def test_every_finding_is_provoked() -> None:
    made = {code for file in ROOM.glob("*.py") for code in CODE.findall(file.read_text())} - {"web.de"}
    assert len(made) > 70
    tests = [ROOT / "tests" / tier / "doctor" for tier in ("unit", "service")]
    tested = {
        code for folder in tests for file in folder.glob("*.py") for code in CODE.findall(file.read_text())
    }
    assert made - tested == set()


def test_every_topic_is_told() -> None:
    used = {topic for file in ROOM.glob("*.py") for topic in ANY_CODE.findall(file.read_text())}
    assert len(used) > 12
    assert used <= TOPICS
