"""A date as a person writes it: `10 de diciembre de 2026`."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from symbackprop.report.setting import Setter
from symbackprop.report.texts import Part, Text

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d")


def dated(text: str, setter: Setter) -> str | None:
    """A date in figures, `2026-12-10`, with the name of its month; None for anything else."""
    if not _ISO.fullmatch(text.strip()):
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    month = Text(f"exam.month_{_MONTHS[day.month - 1]}")
    parts: dict[str, Part] = {"day": str(day.day), "month": month, "year": str(day.year)}
    return setter.text(Text("exam.date", parts))
