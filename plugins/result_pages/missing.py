"""Why an item is not in a user's lists, as far as the published tables tell."""

from __future__ import annotations

from datetime import date

from plugins.result_pages import queries
from plugins.result_pages.warehouse import Reader

_RULES = {
    "retired": "It left the range, or is not on sale yet: no list shows it.",
    "out_of_stock": "Nothing of it was in stock at the last count: no list shows it.",
}


def why_missing(reader: Reader, day: date, user_id: str, item_id: str) -> list[str]:
    """Sentences, the surest first."""
    key = {"day": day, "item_id": item_id}
    places = reader.rows(queries.PLACES_OF_ITEM, user_id=user_id, **key)
    if places:
        return [f"It is not missing: place {row['rank']} of {row['list']}." for row in places]
    details = reader.rows(queries.ITEM, **key)
    if not details:
        return ["It is not among the day's items: the shop has none of this id, or it left the range long ago."]
    if details[0]["held_back"]:
        held_back = details[0]["held_back"]
        return [_RULES.get(held_back, f"The rule {held_back} holds it back.")]
    said = []
    if not details[0]["users"]:
        said.append(
            "Nobody did anything with it inside the look-back window: only what learns from texts can propose it."
        )
    past = reader.rows(queries.HISTORY_OF_ITEM, user_id=user_id, **key)
    if past:
        said.append(
            f"The user did something with it {past[0]['events']} time(s), last on {past[0]['last_on']}: discover "
            "leaves out what was bought before, and what is bought rarely is not shown again soon after."
        )
    said.append(
        "Otherwise it was not proposed for this user, it scored below the last item of the list, or the limit of items "
        "of one category was reached."
    )
    return said
