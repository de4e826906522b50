"""When the shop is closed, and when it holds a great sale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

_FURTHEST = 731
"""Days within which ordinary ones are looked for."""


@dataclass(frozen=True)
class OpeningSettings:
    """Days that are unlike all others, known beforehand."""

    closed_days: tuple[str, ...] = ()
    """Whole days on which the shop is closed: "12-25" in every year, "2018-04-01" once. Nothing is forecast for such a
    day, its buyers come on the days around it, and its missing events stop no run. A weekday on which the shop is
    always closed needs no entry: the forecast learns it."""

    sale_days: tuple[str, ...] = ()
    """Days of a great sale, written alike: "11-11". However many events come on one, no run stops; other days are not
    measured by it; the demand of ordinary days, which is what is forecast for all days, and the chances of
    purchases (in buy_again, in audiences) are not learnt from it."""

    def __post_init__(self) -> None:
        for name in ("closed_days", "sale_days"):
            for text in getattr(self, name):
                # A leap year knows every day of the year.
                told = f"2000-{text}" if len(text) == len("12-25") else text
                try:
                    known = date.fromisoformat(told).isoformat() == told
                except ValueError:
                    known = False
                if not known:
                    raise ValueError(f"{name}: {text!r} is no day such as 12-25 or 2018-04-01")

    def closed(self, day: date) -> bool:
        """Whether the shop is closed on `day`."""
        return _names(self.closed_days, day)

    def on_sale(self, day: date) -> bool:
        """Whether the shop holds a great sale on `day`."""
        return _names(self.sale_days, day)

    def ordinary(self, day: date) -> bool:
        """Whether `day` tells of other days: neither closed nor a sale's."""
        return not (self.closed(day) or self.on_sale(day))

    def apart(self, before: date, count: int) -> list[date]:
        """Days to pass over in looking back from a day at `count` ordinary ones, newest first.

        Where two years hold fewer ordinary days there is nothing to look at, and nothing to pass over.
        """
        passed: list[date] = []
        for back in range(1, _FURTHEST):
            day = before - timedelta(days=back)
            if not self.ordinary(day):
                passed.append(day)
            elif back - len(passed) == count:
                return passed
        return []


def _names(days: tuple[str, ...], day: date) -> bool:
    return f"{day:%m-%d}" in days or day.isoformat() in days
