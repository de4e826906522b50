"""Experiments: which users belong to which arm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExperimentSettings:
    """Experiments that are running; none by default."""

    running: tuple[str, ...] = ()
    """A name and its arms with their shares in percent: "banner=control:50,varied:50". Users beyond the shares take no
    part. The same name gives a user the same arm on every day and every machine; an arm that grows at its end, with the
    arms before it unchanged, keeps its users."""

    def __post_init__(self) -> None:
        self.arms()

    def arms(self) -> dict[str, dict[str, float]]:
        """Share of each arm (0 to 1) by experiment. Raises ValueError for a text that is none, or shares above 1."""
        found: dict[str, dict[str, float]] = {}
        for text in self.running:
            name, _, told = text.partition("=")
            try:
                pairs = [part.partition(":") for part in told.split(",")]
                shares = {arm.strip(): float(share) / 100 for arm, _, share in pairs}
            except ValueError as error:
                raise ValueError(f"{text!r} is no experiment such as banner=control:50,varied:50") from error
            unnamed = "" in {name.strip(), *shares} or "/" in text
            wrong = unnamed or len(shares) < len(pairs) or min(shares.values()) <= 0 or name.strip() in found
            if wrong or sum(shares.values()) > 1 + 1e-9:
                raise ValueError(f"{text!r}: names once each, no slash, shares above 0 and together at most 100")
            found[name.strip()] = shares
        return found
