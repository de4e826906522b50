"""Values of the command line, with errors that say what is wanted."""

from __future__ import annotations

import argparse
from datetime import date


def a_day(text: str) -> date:
    """The day that `text` names. Raises ArgumentTypeError, of which argparse makes the error of the option."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, write one as 2017-12-04") from error
