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
    from recsys.storage import Lake

    try:
        filesystem, root = Lake(uri).filesystem()
        with filesystem.open_input_stream(f"{root}/{report_path(day)}") as stream:
            return bytes(stream.read())
    except OSError:
        return None
