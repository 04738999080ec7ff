"""CSS into style attributes, once per rendition; what cannot be inlined stays in one `<style>` in the head."""

import re
from functools import lru_cache

import css_inline

_COMMENT = re.compile(r"(<!--.*?-->)", re.DOTALL)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_KEEP = ' data-css-inline="keep"'


def inline(html: str) -> str:
    """Rules for elements are inlined in the order CSS gives them; at-rules and rules for states (`:hover`) are kept.

    Style sheets inside comments are Outlook's own and stay where they are.
    """
    pieces = _COMMENT.split(html)
    sheets: list[str] = []
    for number in range(0, len(pieces), 2):
        sheets += _STYLE.findall(pieces[number])
        pieces[number] = _STYLE.sub("", pieces[number])
    plain, kept = divided("\n".join(sheets))
    head = f"<style>{plain}</style>" + (f"<style{_KEEP}>{kept}</style>" if kept else "")
    joined = "".join(pieces).replace("</head>", head + "</head>", 1)
    return _inliner().inline(joined).replace(f"<style{_KEEP}>", "<style>", 1)


def divided(css: str) -> tuple[str, str]:
    """Part a sheet into the rules that can stand in a style attribute and those that cannot, each in its order."""
    plain: list[str] = []
    kept: list[str] = []
    for rule in _rules(_CSS_COMMENT.sub("", css)):
        selector = rule.partition("{")[0]
        (kept if selector.startswith("@") or ":" in selector else plain).append(rule)
    return "\n".join(plain), "\n".join(kept)


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, minify_css=True)


def _rules(css: str) -> list[str]:
    rules: list[str] = []
    depth = start = 0
    for found in re.finditer(r"[{};]", css):
        depth += {"{": 1, "}": -1, ";": 0}[found.group()]
        if depth == 0 and (found.group() == "}" or css[start : found.start()].strip().startswith("@")):
            rules.append(" ".join(css[start : found.end()].split()))
            start = found.end()
    return rules
