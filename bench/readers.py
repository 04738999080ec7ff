"""Who gets it."""

PUBLIC_URL = "https://news.example.org"
NAMES = ("Ada", "Grace", "Zoë", "Nora", "Łukasz", "", "Bea", "Marguerite", "Ann", "Noël")


def name_of(number: int) -> str:
    return NAMES[number % len(NAMES)]


def address_of(number: int) -> str:
    return f"reader{number}@example.org"
