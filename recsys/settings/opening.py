"""When the shop is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class OpeningSettings:
    """Days on which nothing can be sold, known beforehand."""

    closed_days: tuple[str, ...] = ()
    """Whole days on which the shop is closed: "12-25" in every year, "2018-04-01" once. Nothing is forecast for such a
    day, its buyers come on the days around it, and its missing events stop no run. A weekday on which the shop is
    always closed needs no entry: the forecast learns it."""

    def __post_init__(self) -> None:
        for text in self.closed_days:
            # A leap year knows every day of the year.
            told = f"2000-{text}" if len(text) == len("12-25") else text
            try:
                known = date.fromisoformat(told).isoformat() == told
            except ValueError:
                known = False
            if not known:
                raise ValueError(f"closed_days: {text!r} is no day such as 12-25 or 2018-04-01")

    def closed(self, day: date) -> bool:
        """Whether the shop is closed on `day`."""
        return f"{day:%m-%d}" in self.closed_days or day.isoformat() in self.closed_days
