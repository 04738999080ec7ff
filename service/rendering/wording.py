"""The few words a message says itself, its dates and its plurals, in the newsletter's language (never the server's).

The words are data, one entry per language in `templates/email/_wording.json`; a language not listed there gets English words.
"""

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_FALLBACK = "en"


def _one_other(n: int) -> str:
    return "one" if n == 1 else "other"


def _none_counts_as_one(n: int) -> str:
    return "one" if n in {0, 1} else "other"


def _hebrew(n: int) -> str:
    return {1: "one", 2: "two"}.get(n, "other")


def _arabic(n: int) -> str:
    if n <= 2:
        return ("zero", "one", "two")[n]
    if 3 <= n % 100 <= 10:
        return "few"
    return "many" if n % 100 >= 11 else "other"


# Unicode CLDR plural rules for whole numbers.
_PLURALS: dict[str, Callable[[int], str]] = {
    "ar": _arabic,
    "fa": _none_counts_as_one,
    "fr": _none_counts_as_one,
    "he": _hebrew,
    "ja": lambda _: "other",
}


@dataclass(frozen=True)
class Wording:
    language: str
    words: Mapping[str, Any]

    def say(self, name: str, **values: str | int) -> str:
        return str(self.words[name]).format(**values)

    def count(self, name: str, n: int) -> str:
        forms = self.words[name]
        form = _PLURALS.get(self.language, _one_other)(n)
        return str(forms.get(form, forms["other"])).format(n=self._digits(str(n)))

    def date(self, day: datetime.date) -> str:
        written = str(self.words["date"]).format(
            weekday=self.words["weekdays"][day.weekday()],
            day=day.day,
            month=self.words["months"][day.month - 1],
            month_number=day.month,
            year=day.year,
        )
        return self._digits(written)

    def _digits(self, text: str) -> str:
        digits = str(self.words.get("digits", ""))
        return text.translate(str.maketrans("0123456789", digits)) if digits else text


def of(language: str, templates: Path) -> Wording:
    languages = _read(templates / "email" / "_wording.json")
    short = language.partition("-")[0].lower()
    known = short if short in languages else _FALLBACK
    return Wording(known, {**languages[_FALLBACK], **languages[known]})


def own_words(language: str, templates: Path) -> Mapping[str, Any]:
    """A language's own entry, without the English words that fill its gaps."""
    return _read(templates / "email" / "_wording.json")[language]


@lru_cache(maxsize=8)
def _read(path: Path) -> dict[str, dict[str, Any]]:
    languages: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return languages
