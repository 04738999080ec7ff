"""A page of the desk as a test looks at it: its elements, and the texts and values in them."""

import httpx2
from lxml import etree, html


def parsed(page: httpx2.Response) -> html.HtmlElement:
    found = html.document_fromstring(page.text)
    assert isinstance(found, html.HtmlElement)
    return found


def by_id(element: html.HtmlElement, name: str) -> html.HtmlElement:
    (found,) = elements(element, f"//*[@id='{name}']")
    return found


def elements(element: html.HtmlElement, path: str) -> list[html.HtmlElement]:
    found = element.xpath(path)
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, html.HtmlElement)]


def texts(element: html.HtmlElement, path: str) -> list[str]:
    """What a path to attributes or to texts finds."""
    found = element.xpath(path)
    assert isinstance(found, list)
    return [str(one) for one in found if not isinstance(one, etree._Element)]


def words(element: html.HtmlElement) -> str:
    return str(element.text_content())
