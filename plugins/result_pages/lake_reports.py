"""The reports that runs leave in the lake, for a server that sees it."""

from __future__ import annotations

import os
from datetime import date


def read_report(day: date) -> bytes | None:
    """The report of `day`; None where there is none, or the lake is not to be seen from here."""
    uri = os.environ.get("RECSYS_LAKE")
    if not uri:
        return None
    from recsys.recommendations.day_report import report_path
    from recsys.storage import Lake, LakeError, read_bytes_if_any

    try:
        return read_bytes_if_any(Lake(uri), report_path(day))
    except (OSError, LakeError):
        return None
