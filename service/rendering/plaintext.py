"""Markdown as plain text: wrapped at 72, links as numbered footnotes, nothing a listener would have to decode."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it.tree import SyntaxTreeNode

from service.rendering import markdown
from service.rendering.fields import Marks

COLUMNS = 72
_DROPPED = "dropped"


@dataclass
class _Page:
    marks: Marks
    notes: list[str] = field(default_factory=list)

    def note(self, address: str) -> str:
        if address not in self.notes:
            self.notes.append(address)
        return f"[{self.notes.index(address) + 1}]"


def of_markdown(source: str, marks: Marks) -> str:
    page = _Page(marks)
    root = SyntaxTreeNode(markdown.tokens_of(source, marks))
    blocks = _blocks(root.children, page)
    if page.notes:
        blocks.append("\n".join(f"[{number}] {address}" for number, address in enumerate(page.notes, 1)))
    return "\n\n".join(block for block in blocks if block)


def wrapped(text: str, marks: Marks, *, first: str = "", rest: str = "") -> str:
    """Break at blanks alone: an address or a name never falls apart."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = (first if not lines else rest) + ""
        indent = line
        for word in paragraph.split(" "):
            if line != indent and marks.width(line) + 1 + marks.width(word) > COLUMNS:
                lines.append(line.rstrip(" "))
                line = indent = rest
            line += word if line == indent else f" {word}"
        lines.append(line.rstrip(" "))
    return "\n".join(lines)


def _blocks(nodes: Sequence[SyntaxTreeNode], page: _Page) -> list[str]:
    return [_block(node, page) for node in nodes]


def _block(node: SyntaxTreeNode, page: _Page) -> str:
    match node.type:
        case "paragraph" | "heading":
            return wrapped(_inline(node, page), page.marks)
        case "bullet_list" | "ordered_list":
            return _list(node, page)
        case "blockquote":
            return _indented("\n\n".join(_blocks(node.children, page)), "    ")
        case "fence" | "code_block":
            return _indented(node.content.rstrip("\n"), "    ")
        case "hr":
            return "* * *"
        case "table":
            return _table(node, page)
        case _:
            return "\n\n".join(_blocks(node.children, page))


def _list(node: SyntaxTreeNode, page: _Page) -> str:
    number = int(node.attrs.get("start", 1))
    entries: list[str] = []
    for entry in node.children:
        label = f"{number}. " if node.type == "ordered_list" else "- "
        text = "\n".join(block for block in _blocks(entry.children, page) if block)
        # Wrapped once without the indent; the label is short, so the lines stay near the width.
        entries.append(label + _indented(text, " " * len(label)).lstrip(" "))
        number += 1
    return "\n".join(entries)


def _table(node: SyntaxTreeNode, page: _Page) -> str:
    rows = [row for section in node.children for row in section.children]
    return "\n".join(" | ".join(_inline(cell, page) for cell in row.children) for row in rows)


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}" if line else "" for line in text.split("\n"))


def _inline(node: SyntaxTreeNode, page: _Page) -> str:
    return "".join(_span(child, page) for inner in node.children for child in inner.children).strip()


def _span(node: SyntaxTreeNode, page: _Page) -> str:
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "image":
            return "" if node.meta.get(_DROPPED) or not node.content else f"(Picture: {_words(node, page)})"
        case "link":
            return _link(node, page)
        case _:
            return _words(node, page)


def _words(node: SyntaxTreeNode, page: _Page) -> str:
    return "".join(_span(child, page) for child in node.children) if node.children else node.content


def _link(node: SyntaxTreeNode, page: _Page) -> str:
    words = _words(node, page)
    address = str(node.attrs.get("href", "")).removeprefix("mailto:")
    if node.meta.get(_DROPPED) or words == address:
        return words
    return f"{words} {page.note(address)}" if words else address
