"""What the product says itself, in each language it knows: catalogues (`*.po`, written by hand), plurals, dates and numbers.

It never touches what people write. English is the language of the source and needs no catalogue; `make catalogues` keeps the others
in step with the source. `speaking` loads Babel, so it is imported where a message or a page is made.
"""


def noted(text: str) -> str:
    """Marks a text for the catalogues that is said somewhere else."""
    return text
