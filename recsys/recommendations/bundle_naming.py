"""Names and reasons of bundles, from a template."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from recsys.recommendations.wording import tell

_SEPARATOR = " > "


def bundle_name(
    paths: list[str | None], titles: list[str | None], frequency: Counter[str], fallback: str, language: str = "en"
) -> str:
    """The common theme, the leaf categories, and the most telling word that members share.

    `paths` and `titles` are the members' category paths and titles; `frequency` counts items by title word.
    """
    known = [path.split(_SEPARATOR) for path in paths if path]
    leaves = list(dict.fromkeys(parts[-1] for parts in known))
    shared = [step[0] for step in zip(*known, strict=False) if len(set(step)) == 1] if len(known) == len(paths) else []
    theme = shared[-1] if shared else ""
    word = telling_word(titles, frequency)
    named = " + ".join(leaf for leaf in leaves if leaf != theme) or fallback
    head = tell(language, "bundle_theme", theme=theme, kinds=named) if theme else named
    return tell(language, "bundle_word", name=head, word=word) if word and word not in head.lower() else head


def member_names(names: list[str], brands: list[str | None], item_ids: list[str], language: str = "en") -> list[str]:
    """What to call each member: its name; with its brand, else its id, where another member has the same name."""
    told = Counter(names)
    return [
        tell(language, "told_apart", title=name, mark=brand or item_id) if told[name] > 1 else name
        for name, brand, item_id in zip(names, brands, item_ids, strict=True)
    ]


def telling_word(titles: list[str | None], frequency: Counter[str]) -> str:
    """The rarest title word that at least two members share; '' where they share none."""
    counts = Counter(word for title in titles for word in title_words(title))
    shared = [word for word, count in counts.items() if count > 1]
    return min(shared, key=lambda word: (frequency[word], word), default="")


def title_words(title: str | None) -> set[str]:
    """Lower-case words of three or more letters."""
    return set(re.findall(r"[^\W\d_]{3,}", (title or "").lower()))


def bundle_reason(titles: list[str], baskets: int, share: float, lift: float, language: str = "en") -> str:
    """The reason as a sentence; the first title is the anchor's, `share` the part of its baskets that hold the rest."""
    others = tell(language, "between_members").join(titles[1:-1])
    others += (tell(language, "last_member") if others else "") + titles[-1]
    # In the precision of the row, where 19 of 80 baskets are 0.2375 and not a last digit more or less.
    percent, times = np.float32(100) * np.float32(share), np.float32(lift)
    facts = {"share": f"{percent:.1f}", "first": titles[0], "others": others, "lift": f"{times:.1f}"}
    return tell(language, "bundle_bought_together", **facts, baskets=baskets)
