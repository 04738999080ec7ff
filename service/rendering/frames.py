"""A newsletter's own template: what it may say, and how it is drawn around the blocks that we draw.

It is a page of HTML with names in it, `{% if %}`, and `{% for block in blocks %}`; nothing else of Jinja. It is read in a sandbox and
gets texts and finished pieces alone. Its size and its steps are bounded, by counting: a clock would refuse what it took before.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from service.errors import Invalid

MOST_CHARACTERS = 40_000
MOST_STEPS = 20_000
MOST_OCTETS = 30_000  # around the blocks, so that there is room for them below the size at which Gmail clips

# What there is, and what it is; the desk shows it beside the form.
NAMES: Mapping[str, str] = {
    "language": "the newsletter’s language, for the attribute lang",
    "direction": "ltr or rtl, for the attribute dir",
    "side": "left or right: where a line begins, for align",
    "head": "title, settings and styles, for the head of the page",
    "title": "the edition’s subject",
    "name": "the newsletter’s name",
    "publisher": "the sender’s name",
    "date": "the edition’s date in words",
    "reading_time": "how long it takes to read",
    "variant": "daily, alert or weekend",
    "kicker": "“Breaking news” or “Weekend edition” in the newsletter’s language, or nothing",
    "preheader": "the line that an inbox shows beside the subject",
    "blocks": "the blocks, each a row of a table: {% for block in blocks %}{{ block }}{% endfor %}",
    "web_url": "the edition’s page, or nothing",
    "unsubscribe_url": "the reader’s link to leave; it has to be there",
    "preferences_url": "the reader’s page of preferences",
    "address": "the reader’s address",
    "reason": "why a reader gets it",
    "postal_address": "the lines of the postal address, which have to be there: {% for line in postal_address %}",
    "say": "words in the newsletter’s language: say.unsubscribe, say.preferences, say.view_online, say.sent_to",
}
SAYINGS = ("unsubscribe", "preferences", "view_online", "sent_to")
_LISTS = {"blocks", "postal_address"}
_LOOP = {"first", "last", "index", "index0", "length"}
_FILTERS = {"default", "e", "escape", "trim"}
_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.Compare, nodes.Operand, nodes.And, nodes.Or,
    nodes.Not, nodes.CondExpr,
)  # fmt: skip


class FrameInvalid(Invalid):
    """This template cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="template")


def check(source: str) -> None:
    """Raises FrameInvalid with the line and what to do about it."""
    _compiled(source)


def drawn(source: str, values: Mapping[str, object]) -> str:
    """The page; `values` are those of `NAMES`. Raises FrameInvalid if it cannot be drawn or leaves out what has to be there."""
    pieces: list[str] = []
    try:
        for step, piece in enumerate(_compiled(source).generate(values)):
            if step >= MOST_STEPS:
                raise FrameInvalid("This template takes too many steps; make it shorter.")
            pieces.append(piece)
    except (TemplateError, TypeError, ValueError) as error:
        raise FrameInvalid(f"This template cannot be drawn: {error}") from error
    page = "".join(pieces)
    for fault in _left_out(page, values):
        raise FrameInvalid(fault)
    return page


@lru_cache(maxsize=16)
def _compiled(source: str) -> Template:
    if len(source) > MOST_CHARACTERS:
        raise FrameInvalid(f"This template is too long: at most {MOST_CHARACTERS:,} characters fit.")
    try:
        _check(_SANDBOX.parse(source), frozenset(), frozenset(NAMES))
        return _SANDBOX.from_string(source)
    except TemplateError as error:
        raise FrameInvalid(f"Line {getattr(error, 'lineno', 1)}: {error.message}") from error
    except (RecursionError, SyntaxError) as error:
        raise FrameInvalid("This template is nested too deeply; make it flatter.") from error


def _sandbox() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    made.globals.clear()
    made.tests.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS}
    return made


_SANDBOX = _sandbox()


def _check(node: nodes.Node, loops: frozenset[str], known: frozenset[str]) -> None:
    """Only what is listed may stand in a template, so that there is nothing to call and nothing that runs long."""
    inside = loops
    if isinstance(node, nodes.For):
        inside = _checked_loop(node, loops)
    elif isinstance(node, nodes.Getattr):
        _check_step(node, loops)
        return
    elif isinstance(node, nodes.Name | nodes.Filter):
        _check_name(node, loops, known)
    elif not isinstance(node, _PLAIN):
        what = type(node).__name__.lower()
        raise _refused(node, f"{what} is not possible here; there are names, if, and for over blocks")
    for child in node.iter_child_nodes(exclude=("target",)):
        _check(child, inside, known)


def _check_name(node: nodes.Name | nodes.Filter, loops: frozenset[str], known: frozenset[str]) -> None:
    if isinstance(node, nodes.Filter):
        if node.name not in _FILTERS:
            raise _refused(node, f"there is no |{node.name} here")
    elif node.name not in known and node.name not in loops - {"loop"}:
        raise _refused(node, f"there is no {node.name} here; there are {', '.join(sorted(known))}")


def _checked_loop(node: nodes.For, loops: frozenset[str]) -> frozenset[str]:
    is_over_ours = isinstance(node.iter, nodes.Name) and node.iter.name in _LISTS
    if loops or node.recursive or not is_over_ours or not isinstance(node.target, nodes.Name):
        raise _refused(node, "for goes over blocks or postal_address, and not inside another for")
    return frozenset({node.target.name, "loop"})


def _check_step(node: nodes.Getattr, loops: frozenset[str]) -> None:
    of = node.node.name if isinstance(node.node, nodes.Name) else ""
    is_ours = (of == "say" and node.attr in SAYINGS) or (
        of == "loop" and "loop" in loops and node.attr in _LOOP
    )
    if not is_ours:
        raise _refused(
            node, f"there is no .{node.attr} here; there are {', '.join(f'say.{one}' for one in SAYINGS)}"
        )


def _refused(node: nodes.Node, why: str) -> FrameInvalid:
    return FrameInvalid(f"Line {node.lineno or 1}: {why}.")


def _left_out(page: str, values: Mapping[str, object]) -> Iterator[str]:
    if f'href="{values["unsubscribe_url"]}"' not in page:
        yield "The link to unsubscribe is missing: put {{ unsubscribe_url }} into the href of a link."
    lines = values["postal_address"]
    assert isinstance(lines, list)
    if any(str(escape(line)) not in page for line in lines):
        yield "The postal address is missing: put each line of postal_address at the foot."
    blocks = values["blocks"]
    assert isinstance(blocks, list)
    at = 0
    for block in blocks:
        at = page.find(block, at) + len(block)
        if at < len(block):
            yield "Blocks are missing or out of order: for block in blocks has to be there, once, with nothing left out."
            return
    if len(page.encode()) - sum(len(block.encode()) for block in blocks) > MOST_OCTETS:
        yield f"What stands around the blocks is too large: at most {MOST_OCTETS // 1000} kB fit."


def pieces_of(markup: str) -> Markup:
    """What our own templates have drawn, for a place where everything else is escaped."""
    return Markup(markup)  # noqa: S704 - drawn by our own templates, which escape
