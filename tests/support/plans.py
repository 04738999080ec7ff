"""Every statement that a send issues, caught on its way to the database, with the plan that the database makes for it."""

import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Session

from service import database, prepared
from service.database import Database

# Tables that grow with readers or with time: none of them may be read from end to end.
LARGE = {"delivery", "subscriber", "subscription", "span", "notice", "event", "suppression"}
PARTIAL = {"uq_suppression_in_force"}  # holds nothing but what is asked for
STATEMENT = re.compile(r"\s*(?:WITH|SELECT|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_PARTITION = re.compile(r"^(delivery)_p\d+$")


@dataclass
class Caught:
    step: str
    text: str
    parameters: Any
    calls: int = 0
    seconds: float = 0.0
    plan: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Net:
    """Catches each statement once, with the step that first issued it, and adds up what its calls took."""

    def __init__(self) -> None:
        self.caught: dict[str, Caught] = {}
        self._step = ""
        self._began: list[float] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._step = name
        event.listen(sa.Engine, "before_cursor_execute", self._before)
        event.listen(sa.Engine, "after_cursor_execute", self._after)
        original = prepared.execute

        def execute(connection: sa.Connection, text: str, values: tuple[Any, ...]) -> prepared.Found:
            """SQLite's driver is asked past SQLAlchemy, and so past its events."""
            if connection.dialect.name != "sqlite":
                return original(connection, text, values)
            self._before(None, None, text, values, None, False)
            found = original(connection, text, values)
            self._after(None, None, text, values, None, False)
            return found

        prepared.execute = execute
        try:
            yield
        finally:
            prepared.execute = original
            event.remove(sa.Engine, "before_cursor_execute", self._before)
            event.remove(sa.Engine, "after_cursor_execute", self._after)

    def _before(
        self, _c: Any, _cursor: Any, text: str, parameters: Any, _context: Any, is_many: bool
    ) -> None:
        self._began.append(time.perf_counter())
        if STATEMENT.match(text):
            one = parameters[0] if is_many else parameters
            self.caught.setdefault(text, Caught(self._step, text, one))

    def _after(self, _c: Any, _cursor: Any, text: str, _p: Any, _context: Any, _many: bool) -> None:
        took = time.perf_counter() - self._began.pop()
        if (caught := self.caught.get(text)) is not None:
            caught.calls += 1
            caught.seconds += took

    async def judge(self, held: Database) -> list[Caught]:
        """Each with its plan; `faults` names the large tables that no key serves."""
        for caught in self.caught.values():
            await held.read(_judge, caught)
        return list(self.caught.values())


def _judge(session: Session, caught: Caught) -> None:
    if database.is_postgresql(session):
        caught.plan = list(_nodes(_explained(session, caught)))
        # Of a small table, or for a large part of one, reading all is right, key or no key. Forbidden, it shows whether there is one.
        for way in ("seqscan", "mergejoin", "hashjoin"):
            session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        caught.faults = list(_keyless(_explained(session, caught)))
        return
    rows = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + caught.text, caught.parameters)
    caught.plan = [str(row[3]) for row in rows]
    caught.faults = [line for line in caught.plan if _is_scan(line)]


def _is_scan(line: str) -> bool:
    found = re.match(r"SCAN (\w+?)(?:_\d+)?(?: |$)", line)
    return found is not None and found.group(1) in LARGE and not any(key in line for key in PARTIAL)


def _explained(session: Session, caught: Caught) -> dict[str, Any]:
    answer = session.connection().exec_driver_sql("EXPLAIN (FORMAT JSON) " + caught.text, caught.parameters)
    plan = answer.scalar_one()
    made: dict[str, Any] = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return made


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    for node in _walk(plan):
        relation, key = node.get("Relation Name", ""), node.get("Index Name", "")
        yield " ".join(part for part in (node["Node Type"], relation, key) if part)


def _keyless(plan: dict[str, Any]) -> Iterator[str]:
    for node in _walk(plan):
        if "Scan" not in node["Node Type"] or "Index Cond" in node or node.get("Index Name") in PARTIAL:
            continue
        relation = _PARTITION.sub(r"\1", node.get("Relation Name", ""))
        if relation in LARGE and not _finds_by_bitmap(node):
            yield f"{node['Node Type']} {relation} {node.get('Index Name', '')} {node.get('Filter', '')}".strip()


def _finds_by_bitmap(node: dict[str, Any]) -> bool:
    """A heap read through a bitmap has its key one level down; that of a partial index may need no condition."""
    if node["Node Type"] != "Bitmap Heap Scan":
        return False
    keys = [one for one in _walk(node) if one["Node Type"] == "Bitmap Index Scan"]
    return all("Index Cond" in key or key.get("Index Name") in PARTIAL for key in keys)


def told(caught: Iterable[Caught], *, with_plans: bool = False) -> Iterator[str]:
    """For people: slowest first, what has no key marked."""
    for one in sorted(caught, key=lambda one: -one.seconds / one.calls):
        mark = "NO KEY" if one.faults else "      "
        text = re.sub(r"\s+", " ", one.text)
        yield f"{mark} {1000 * one.seconds / one.calls:9.2f} ms × {one.calls:<3} {one.step:<24} {text[:110]}"
        lines = one.faults if one.faults and not with_plans else one.plan
        yield from (f"{'':24}{line}" for line in lines if one.faults or with_plans)
