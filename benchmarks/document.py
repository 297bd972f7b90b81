"""Puts figures between their marks in the document, and leaves all words around them as they are."""

import re
from collections.abc import Mapping


class NoPlaceError(Exception):
    """The document has no marks for a part."""


def with_figures(document: str, figures: Mapping[str, str]) -> str:
    """Return *document* with each part's *figures* between ``<!-- figures: PART -->`` and its closing mark.

    Raises:
        NoPlaceError: A part has no marks, or more than one pair of them.
    """
    for part, text in figures.items():
        opening, closing = f"<!-- figures: {part} -->", f"<!-- /figures: {part} -->"
        found = re.findall(f"{re.escape(opening)}.*?{re.escape(closing)}", document, re.DOTALL)
        if len(found) != 1:
            raise NoPlaceError(f"the document needs one pair of {opening} and {closing}")
        document = document.replace(found[0], f"{opening}\n\n{text.strip()}\n\n{closing}")
    return document
