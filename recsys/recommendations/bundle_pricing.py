"""A price for a bundle.

Rule: the less often a bundle is completed unprompted, the more a discount may move people, so

    discount = max_discount * (1 - cohesion)

with cohesion the share of the rarest member's baskets that hold the whole bundle. It is cut so that the price never
falls below the margin floor, unit_cost * (1 + min_margin), and rounded down to a whole per cent; the price is in whole
cents. A bundle with a member of unknown price or cost gets no discount.
"""

from __future__ import annotations

import polars as pl

from recsys.settings.combinations import BundleSettings


def with_prices(bundles: pl.DataFrame, settings: BundleSettings) -> pl.DataFrame:
    """`bundles` (list_price, unit_cost, cohesion) with suggested_discount (0 to 1) and suggested_price."""
    floor = pl.col("unit_cost") * (1.0 + settings.min_margin)
    room = (1.0 - floor / pl.col("list_price")).clip(0.0, 1.0)
    wish = settings.max_discount * (1.0 - pl.col("cohesion").clip(0.0, 1.0))
    discount = (pl.min_horizontal(room, wish) * 100.0 + 1e-9).floor() / 100.0
    known = pl.col("list_price").is_not_null() & pl.col("unit_cost").is_not_null() & (pl.col("list_price") > 0)
    return bundles.with_columns(suggested_discount=pl.when(known).then(discount)).with_columns(
        suggested_price=pl.when(known).then(
            pl.max_horizontal(
                (pl.col("list_price") * (1.0 - pl.col("suggested_discount"))).round(2),
                pl.min_horizontal((floor * 100.0 - 1e-6).ceil() / 100.0, pl.col("list_price")),
            )
        )
    )
