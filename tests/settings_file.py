"""Settings as the text of a file that RECSYS_CONFIG can name."""

from __future__ import annotations

import dataclasses
from typing import Any

from recsys.config import Settings


def as_toml(settings: Settings) -> str:
    """The settings as a file that RECSYS_CONFIG can name."""
    lines: list[str] = []
    for field in sorted(
        dataclasses.fields(settings), key=lambda f: dataclasses.is_dataclass(getattr(settings, f.name))
    ):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            lines.append(f"[{field.name}]")
            lines += [f"{name} = {_value(inner)}" for name, inner in vars(value).items()]
        else:
            lines.append(f"{field.name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
