"""Demand and stock: what the steps pass on, and the three published tables."""

from __future__ import annotations

from recsys.schemas.table import BIGINT, DAY, DOUBLE, FLAG, INTEGER, REAL, TEXT, Column, Table, as_of

ITEM_DEMAND = Table(
    "item_demand",
    "One row per item sold in the look-back window: the demand to expect of it.",
    ("item_id",),
    (
        Column("item_id", TEXT, "The item."),
        Column("level", DOUBLE, "Units a day over the horizon, on average."),
        Column("dispersion", DOUBLE, "Variance over mean of a day's demand."),
        Column("demand_class", TEXT, "smooth, erratic, intermittent, lumpy, young or sparse."),
        Column("model", TEXT, "Model that forecast it: the one its class elected on past weeks."),
        Column("demand_days", BIGINT, "Days of demand in the look-back window."),
        Column("margin", DOUBLE, "Units of the last four weeks times price less cost; null: unknown.", nullable=True),
        *(
            Column(f"weekday_{number}", DOUBLE, f"Factor of ISO weekday {number}; the seven have mean 1.")
            for number in range(1, 8)
        ),
    ),
)

DEMAND_FORECAST = Table(
    "demand_forecast",
    "One row per item and day of the coming weeks, for the items that sell most.",
    ("as_of_date", "item_id", "forecast_date"),
    (
        as_of(),
        Column("item_id", TEXT, "The item."),
        Column("forecast_date", DAY, "Day that is forecast; the first is the as-of date itself."),
        Column("mean", REAL, "Units expected."),
        Column("q10", REAL, "Units that demand exceeds on nine days in ten."),
        Column("q50", REAL, "Units that demand exceeds on every second day."),
        Column("q90", REAL, "Units that demand exceeds on one day in ten."),
        Column("total_mean", REAL, "Units expected from the first day up to this one."),
        Column("total_q10", REAL, "Quantile 0.1 of that total."),
        Column("total_q50", REAL, "Quantile 0.5 of that total."),
        Column("total_q90", REAL, "Quantile 0.9 of that total."),
        Column("published_demand", REAL, "Units beyond these that bundles shown and users contacted may bring."),
        Column("model", TEXT, "Model that forecast the item."),
        Column("model_version", TEXT, "Hash that names the settings behind the row."),
    ),
)

STORE_DEMAND = Table(
    "store_demand",
    "One row per item and store that lately sold it: the store's part of the demand to expect.",
    ("as_of_date", "item_id", "store_id"),
    (
        as_of(),
        Column("item_id", TEXT, "The item."),
        Column("store_id", TEXT, "The store or channel."),
        Column("share", DOUBLE, "Share of the item's demand; times a day's mean in demand_forecast: that day's units."),
        Column("daily_demand", REAL, "Units a day expected over the horizon."),
        Column("horizon_demand", REAL, "Units expected over the whole horizon."),
        Column("horizon_q10", REAL, "Quantile 0.1 of that demand."),
        Column("horizon_q50", REAL, "Quantile 0.5 of that demand."),
        Column("horizon_q90", REAL, "Quantile 0.9 of that demand."),
        Column("model_version", TEXT, "Hash that names the settings behind the row."),
    ),
)

REORDER_SUGGESTIONS = Table(
    "reorder_suggestions",
    "One row per item with a stock count: what to order today, and why.",
    ("as_of_date", "item_id"),
    (
        as_of(),
        Column("item_id", TEXT, "The item."),
        Column(
            "reason_code", TEXT, "retired, no_demand, out_of_stock, reorder, on_the_way, not_due, overstock or enough."
        ),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("suggested_quantity", DOUBLE, "Units to order; a multiple of the minimum order quantity, or 0."),
        Column("suggested_cost", DOUBLE, "What they cost; null where the cost is unknown.", nullable=True),
        Column(
            "priority", INTEGER, "Place among the suggested orders by margin at risk, from 1; else null.", nullable=True
        ),
        Column("on_hand", DOUBLE, "Units that can be sold."),
        Column("on_order", DOUBLE, "Units on their way."),
        Column("counted_on", DAY, "Day at whose end the units were counted."),
        Column("lead_time_days", REAL, "Days from order to arrival; the setting's where the shop does not know."),
        Column("min_order_quantity", DOUBLE, "Smallest quantity that can be ordered."),
        Column("abc_class", TEXT, "A, B or C by the margin of the last four weeks."),
        Column("demand_class", TEXT, "smooth, erratic, intermittent, lumpy, young or sparse; none: not sold."),
        Column("service_level", REAL, "Share of cycles that should pass without a stock-out."),
        Column("service_source", TEXT, "class, or newsvendor where price and cost tell what pays best."),
        Column("daily_demand", REAL, "Units a day expected over the horizon."),
        Column("lead_time_demand", REAL, "Units expected until an order of today arrives."),
        Column("lead_time_q50", REAL, "Quantile 0.5 of that demand."),
        Column("lead_time_q90", REAL, "Quantile 0.9 of that demand."),
        Column("horizon_demand", REAL, "Units expected over the whole horizon."),
        Column("horizon_q10", REAL, "Quantile 0.1 of that demand."),
        Column("horizon_q50", REAL, "Quantile 0.5 of that demand."),
        Column("horizon_q90", REAL, "Quantile 0.9 of that demand."),
        Column(
            "published_demand",
            REAL,
            "Units beyond that which our bundles and campaigns may bring until the next order.",
        ),
        Column("reorder_point", DOUBLE, "An order is due when stock and units on their way fall to this."),
        Column("order_up_to", DOUBLE, "What an order fills stock and units on their way up to."),
        Column(
            "days_of_cover",
            REAL,
            "Days that the stock lasts at the expected demand; null without demand.",
            nullable=True,
        ),
        Column(
            "stock_out_date", DAY, "Day on which the stock is expected to be gone; null: not foreseen.", nullable=True
        ),
        Column("overstock", FLAG, "Whether the stock exceeds what sells in the longest cover that is sensible."),
        Column("overstock_units", DOUBLE, "Units above that."),
        Column("model_version", TEXT, "Hash that names the settings behind the row."),
    ),
)
