"""Feature views of the lake: keys are declared column by column, features by the prefixes of their names.

Keys are codes of the day's id maps. Which features a view has is the matter of recsys.features alone; what everybody
may rely on, and what `check` holds at each write and read, is the key and that every other column is a feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from recsys.schemas.table import INTEGER, REAL, TEXT, Column, SchemaError


@dataclass(frozen=True)
class FeatureView:
    """One view: `codes` come first, `key` are those that identify a row; all other columns are features.

    A feature is a 32-bit float, null where unknown, and its name begins with one of `prefixes`.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    codes: tuple[Column, ...]
    prefixes: tuple[str, ...] = ()

    def check(self, schema: pa.Schema) -> None:
        """Raise SchemaError unless `schema` has the codes with their types, and features besides them alone."""
        types = dict(zip(schema.names, schema.types, strict=True))
        missing = [column.name for column in self.codes if column.name not in types]
        if missing:
            raise SchemaError(f"features {self.name}: missing column(s) {', '.join(missing)}")
        for column in self.codes:
            _check_type(self.name, column.name, _plain(types.pop(column.name)), column.type)
        for name, type_ in types.items():
            if not name.startswith(self.prefixes):
                raise SchemaError(f"features {self.name}: {name} is no feature: prefixes are {self.prefixes}")
            _check_type(self.name, name, type_, REAL)


def _plain(type_: pa.DataType) -> pa.DataType:
    # Polars writes text with wide offsets; it is text all the same.
    return TEXT if type_ in (pa.large_string(), pa.string_view()) else type_


def _check_type(view: str, column: str, found: pa.DataType, declared: pa.DataType) -> None:
    if found != declared:
        raise SchemaError(f"features {view}.{column}: {found}, declared as {declared}")


_USER = Column("user", INTEGER, "Code of the user: place in user_codes, from 0.")
_ITEM = Column("item", INTEGER, "Code of the item: place in item_codes, from 0.")
_LEAF = Column("leaf", INTEGER, "Code of the narrowest category.")
_PARENT = Column("parent", INTEGER, "Code of the category above it.")

FEATURE_VIEWS = (
    FeatureView("pairs", "One row per user and item bought.", ("user", "item"), (_USER, _ITEM), ("ui_",)),
    FeatureView(
        "interest",
        "One row per user and item viewed, favoured or put in the cart, bought too or not.",
        ("user", "item"),
        (_USER, _ITEM),
        ("w_",),
    ),
    FeatureView(
        "users",
        "One row per user who bought.",
        ("user",),
        (_USER, Column("u_store", INTEGER, "Code of the store of most of the user's trips lately.", nullable=True)),
        ("u_",),
    ),
    FeatureView(
        "items",
        "One row per item that has a code; i_ columns are null where nobody bought it.",
        ("item",),
        (_ITEM, _LEAF, _PARENT),
        ("i_", "leaf_", "parent_"),
    ),
    FeatureView(
        "leaves", "One row per user and leaf category bought from.", ("user", "leaf"), (_USER, _LEAF), ("leaf_",)
    ),
    FeatureView(
        "parents",
        "One row per user and parent category bought from.",
        ("user", "parent"),
        (_USER, _PARENT),
        ("parent_",),
    ),
    FeatureView(
        "stores",
        "One row per store and item sold there lately.",
        ("store", "item"),
        (Column("store", INTEGER, "Code of the store."), _ITEM),
        ("s_",),
    ),
    FeatureView(
        "user_codes",
        "One row per user; its place is the user's code.",
        ("user_id",),
        (Column("user_id", TEXT, "The user."),),
    ),
    FeatureView(
        "item_codes",
        "One row per item; its place is the item's code.",
        ("item_id",),
        (Column("item_id", TEXT, "The item."),),
    ),
)
