"""A file as it is kept: compressed, and read again as text without ever being whole in memory. Pure.

Which encoding it has is recognised by its byte-order mark, by where its NUL bytes stand, or by whether it is UTF-8 from beginning to end.
"""

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TextIO

from service.errors import Invalid

MOST_OCTETS = 20_000_000
LEVEL = 6
_PIECE_OCTETS = 64_000
_LOOKED_AT_OCTETS = 4_000
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods are archives; .xls is an older container
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Encoding(StrEnum):
    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS_1252 = "windows-1252"


class FileEmpty(Invalid):
    """This file is empty. Save the list once more as CSV, and choose that file."""


class FileIsWorkbook(Invalid):
    """This is a workbook, not a list as text. Open it in your spreadsheet program, save it as CSV, and choose that file."""


class FileTooLarge(Invalid):
    """This file is larger than 20 MB. Save only the columns that are needed (address and first name), or divide it into several files."""


def packed(data: bytes) -> bytes:
    if not data.strip(b"\0\r\n\t \xef\xbb\xbf\xfe\xff"):
        raise FileEmpty(field="file")
    if data.startswith(_WORKBOOKS):
        raise FileIsWorkbook(field="file")
    if len(data) > MOST_OCTETS:
        raise FileTooLarge(field="file")
    return gzip.compress(data, LEVEL, mtime=0)


def recognised(kept: bytes) -> Encoding:
    with gzip.GzipFile(fileobj=io.BytesIO(kept)) as file:
        start = file.read(_LOOKED_AT_OCTETS)
        for mark, encoding in _MARKS:
            if start.startswith(mark):
                return Encoding(encoding)
        if wide := _wide(start):
            return wide
        return Encoding.UTF_8 if _is_utf_8(start, file) else Encoding.WINDOWS_1252


@contextmanager
def text(kept: bytes, encoding: Encoding) -> Iterator[TextIO]:
    """Its lines, whatever they end by (CR, LF or both). What is no letter in this encoding becomes U+FFFD: the preview shows it."""
    with (
        gzip.GzipFile(fileobj=io.BytesIO(kept)) as file,
        io.TextIOWrapper(io.BufferedReader(file), encoding=encoding.value, errors="replace") as lines,
    ):
        if lines.read(1) != "\ufeff":
            lines.seek(0)
        yield lines


def _wide(start: bytes) -> Encoding | None:
    """UTF-16 without a mark: of most letters of most lists one byte is NUL."""
    half = len(start) // 2
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if odd > half * 0.4 and odd > 4 * even:
        return Encoding.UTF_16_LE
    if even > half * 0.4 and even > 4 * odd:
        return Encoding.UTF_16_BE
    return None


def _is_utf_8(start: bytes, rest: gzip.GzipFile) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(start)
        while piece := rest.read(_PIECE_OCTETS):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
