"""One block of each kind, from `examples/blocks.json`: for the tests, the catalogue and whoever wants to see one."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from service.rendering.blocks import Block

SOURCE = Path(__file__).parents[2] / "examples" / "blocks.json"
_ADAPTER: TypeAdapter[Block] = TypeAdapter(Block)


@lru_cache(maxsize=1)
def written() -> dict[str, dict[str, Any]]:
    """Each kind with its fields as they stand in the file, in the order of the catalogue."""
    found: dict[str, dict[str, Any]] = json.loads(SOURCE.read_text(encoding="utf-8"))
    return found


def block(kind: str) -> Block:
    return _ADAPTER.validate_python({"kind": kind, **written()[kind]})


def every() -> dict[str, Block]:
    return {kind: block(kind) for kind in written()}
