"""What rows tell of themselves beyond their reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExplainSettings:
    """Which rows name the features that moved them."""

    rows_a_list: int = 50
    """First places of each list whose strongest groups of features are worked out, for some hundredths of a millisecond
    each: all places of a list as long as the default. 0: none."""
    spare_rows: int = 30
    """Candidates beyond these whose features are kept at hand, since rules take some of the first away."""

    @property
    def depth(self) -> int:
        """First candidates of each user, by each score, whose features are kept at hand."""
        return self.rows_a_list + self.spare_rows
