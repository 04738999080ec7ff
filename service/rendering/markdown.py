"""Markdown to HTML that mail programs show, and to text that reads well aloud: one source, two parts that say the same.

HTML in the source stays text. Links go to http(s) and mailto only, pictures come over https only; whatever else stands there is dropped
and its words are kept.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from service.rendering import links
from service.rendering.fields import Marks

COLUMN = 576  # pixels: the text of a sheet of 640
_SIZED = "sized"
_CLASSES = {
    "paragraph_open": "p",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "list_item_open": "entry",
    "blockquote_open": "quoted",
    "table_open": "data",
    "th_open": "cell",
    "td_open": "cell",
    "fence": "code",
    "code_block": "code",
    "hr": "rule",
}
_FOREIGN_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\*\|[A-Za-z0-9_:]+\|\*")
Sized = Callable[[str], Mapping[str, str]]
_TOP_HEADING = 3  # an edition's own headings are h1 and h2
_DROPPED = "dropped"


class _Email(RendererHTML):
    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        if token.meta.get(_DROPPED):
            return ""
        token.attrs["class"] = "picture"
        token.attrs |= env[_SIZED](str(token.attrs["src"]))
        return super().image(tokens, idx, options, env)

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "" if tokens[idx].meta.get(_DROPPED) else self.renderToken(tokens, idx, options, env)

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "" if tokens[idx].meta.get(_DROPPED) else self.renderToken(tokens, idx, options, env)


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        """Every address is parsed as one, so that a forbidden one is dropped with its markup instead of being shown."""
        return True


def _foreign_template(state: StateInline, silent: bool) -> bool:
    """Other systems' placeholders keep their stars and underscores: they are text here, not emphasis."""
    found = _FOREIGN_TEMPLATE.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.pending += found.group()
    state.pos = found.end()
    return True


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False}, renderer_cls=_Email).enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "foreign_template", _foreign_template)
    return parser


def _filling(address: str) -> Mapping[str, str]:
    return {"src": address, "width": str(COLUMN)}


def to_html(source: str, marks: Marks, sized: Sized = _filling) -> Markup:
    """`sized`: the attributes that show the picture of an address."""
    parser = _parser()
    tokens = [shown for token in tokens_of(source, marks) for shown in _spelled_out(token)]
    outer = [token for token in tokens if token.level == 0 and token.nesting >= 0]
    if outer:
        outer[-1].attrJoin("class", "end")
    return Markup(parser.renderer.render(tokens, parser.options, {_SIZED: sized}))  # noqa: S704 - made by the renderer, HTML off


def tokens_of(source: str, marks: Marks) -> list[Token]:
    tokens = _parser().parse(source)
    for token in tokens:
        _dress(token)
        _check_links(token.children or [], marks)
    return tokens


def pictures_in(source: str) -> list[str]:
    """The addresses of its pictures, as `sized` is asked for them."""
    if "![" not in source:
        return []
    inline = [child for token in _parser().parse(source) for child in token.children or []]
    found = [str(child.attrs.get("src", "")) for child in inline if child.type == "image"]
    return [address for address in found if links.is_secure(address)]


def opening(source: str, blocks: int) -> tuple[str, bool]:
    """The first so many top-level blocks of a text, and whether anything was left out."""
    ends = [
        t.map[1] for t in _parser().parse(source) if t.level == 0 and t.map is not None and t.nesting >= 0
    ]
    if len(ends) <= blocks:
        return source, False
    kept = source.split("\n")[: ends[blocks - 1]] if blocks else []
    return "\n".join(kept).rstrip("\n"), True


def _spelled_out(token: Token) -> list[Token]:
    """Code with its lines and blanks spelled out: not every mail program keeps those of `pre`, or wraps what is too long."""
    if token.type not in {"fence", "code_block"}:
        return [token]
    spans: list[Token] = []
    for line in token.content.rstrip("\n").split("\n"):
        spans += [Token("hardbreak", "br", 0)] if spans else []
        spans.append(Token("code_inline", "code", 0, content=line.replace("  ", "\u00a0 ") or "\u00a0"))
    return [
        Token("paragraph_open", "p", 1, attrs={"class": _CLASSES[token.type]}, level=token.level, block=True),
        Token("inline", "", 0, children=spans, level=token.level + 1, block=True),
        Token("paragraph_close", "p", -1, level=token.level, block=True),
    ]


def _dress(token: Token) -> None:
    if token.type in {"heading_open", "heading_close"}:
        level = min(6, _TOP_HEADING + max(0, int(token.tag[1:]) - 2))
        token.tag = f"h{level}"
    if token.type == "th_open":
        token.attrs["scope"] = "col"
    if token.type in _CLASSES:
        token.attrJoin("class", _CLASSES[token.type])
    elif token.type == "heading_open":
        token.attrJoin("class", "small-head")


def _check_links(children: Sequence[Token], marks: Marks) -> None:
    open_links: list[Token] = []
    for token in children:
        if token.type == "link_open":
            open_links.append(token)
            _check(token, "href", marks, lambda a: links.is_web(a) or a.lower().startswith("mailto:"))
        elif token.type == "link_close" and open_links:
            token.meta[_DROPPED] = open_links.pop().meta.get(_DROPPED)
        elif token.type == "image":
            _check(token, "src", marks, links.is_secure)
            for inner in token.children or []:
                inner.content = marks.moved(inner.content, "attribute")


def _check(token: Token, name: str, marks: Marks, is_allowed: Callable[[str], bool]) -> None:
    address = marks.moved(str(token.attrs.get(name, "")), "url")
    token.attrs[name] = address
    token.attrs.pop("title", None)
    token.meta[_DROPPED] = not is_allowed(address)
