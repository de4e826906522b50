"""How varied lists are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VarietySettings:
    """How much of the order of each list is given for variety; a list that is not named keeps its order.

    0 changes nothing; at 1 an item that would take the tenth place and is like all nine above it is put back by three
    and a half times what lies between the list's first score and its last. `python -m benchmarks.diversity` draws the
    cost.
    """

    diversity: tuple[str, ...] = ("discover=0.5",)
    """Strength against items that are like those above them: "discover=0.2"."""
    calibration: tuple[str, ...] = ()
    """Strength towards the shares of categories in what the user bought: "discover=0.2"."""
    places: int = 20
    """Places, from the top, that are chosen anew; the items below them keep their order."""

    def __post_init__(self) -> None:
        if min(self.strengths(self.diversity).values(), default=0.0) < 0 or self.places < 0:
            raise ValueError("diversity and places are not negative")
        self.strengths(self.calibration)

    @staticmethod
    def strengths(told: tuple[str, ...]) -> dict[str, float]:
        """Strength by list. Raises ValueError for a text that is not `list=number`."""
        found = {}
        for text in told:
            name, _, value = text.partition("=")
            try:
                found[name.strip()] = float(value)
            except ValueError as error:
                raise ValueError(f"{text!r} is not a list and a strength such as discover=0.2") from error
        return found
