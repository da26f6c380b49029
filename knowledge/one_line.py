"""Text on one line, without what no page or file can hold."""

import unicodedata


def on_one_line(text: str) -> str:
    """Every run of white space is one space, none at the ends; control characters, halves of characters, private and
    unassigned ones are gone. Doing it again changes nothing."""
    kept = (each for each in text if each.isspace() or unicodedata.category(each) not in ("Cc", "Cs", "Cn", "Co"))
    return " ".join("".join(kept).split())
