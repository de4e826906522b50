"""Every table once: columns, types, key, grain and a one-line meaning.

A table's Arrow schema is enforced at each read and write of the lake (`conform`), its columns are what
`sql/source/` must deliver and what `sql/warehouse/<table>/create.sql` must create (tests compare them), and
`docs/tables.md` is written from here.
"""

from recsys.schemas.campaigns import (
    CAMPAIGN_TABLES,
    CAMPAIGN_TARGETS,
    CAMPAIGNS,
    CONTACTS,
    RESPONSES,
    TARGET_TYPES,
)
from recsys.schemas.contract import COMBINATIONS, CONTRACT, EVENT_TYPES, EVENTS, ITEMS, STOCK, USERS
from recsys.schemas.explained import ITEM_DETAILS, RUN_FUNNEL, USER_HISTORY
from recsys.schemas.features import FEATURE_VIEWS, FeatureView
from recsys.schemas.lake import (
    EXCLUDED_EVENTS,
    EXTRACTED_DAYS,
    FALLBACK_ITEMS,
    INTERACTIONS,
    PUBLISHED_LISTS,
    REJECTED_EVENTS,
    REJECTED_SNAPSHOTS,
    SHARD_COUNTS,
    USER_SHARDS,
)
from recsys.schemas.published import (
    BUNDLE_ITEMS,
    BUNDLES,
    DATA_QUALITY,
    ITEM_PAIRS,
    OFFLINE_METRICS,
    PUBLISHED,
    PUBLISHED_RUNS,
    REALISED_METRICS,
    REJECTED_ROWS,
    USER_BUNDLES,
    USER_RECOMMENDATIONS,
)
from recsys.schemas.table import BIGINT, DAY, DOUBLE, FLAG, INSTANT, INTEGER, REAL, TEXT, Column, SchemaError, Table

__all__ = [
    "BIGINT",
    "BUNDLES",
    "BUNDLE_ITEMS",
    "CAMPAIGNS",
    "CAMPAIGN_TABLES",
    "CAMPAIGN_TARGETS",
    "COMBINATIONS",
    "CONTACTS",
    "CONTRACT",
    "DATA_QUALITY",
    "DAY",
    "DOUBLE",
    "EVENTS",
    "EVENT_TYPES",
    "EXCLUDED_EVENTS",
    "EXTRACTED_DAYS",
    "FALLBACK_ITEMS",
    "FEATURE_VIEWS",
    "FLAG",
    "INSTANT",
    "INTEGER",
    "INTERACTIONS",
    "ITEMS",
    "ITEM_DETAILS",
    "ITEM_PAIRS",
    "OFFLINE_METRICS",
    "PUBLISHED",
    "PUBLISHED_LISTS",
    "PUBLISHED_RUNS",
    "REAL",
    "REALISED_METRICS",
    "REJECTED_EVENTS",
    "REJECTED_ROWS",
    "REJECTED_SNAPSHOTS",
    "RESPONSES",
    "RUN_FUNNEL",
    "SHARD_COUNTS",
    "STOCK",
    "TARGET_TYPES",
    "TEXT",
    "USERS",
    "USER_BUNDLES",
    "USER_HISTORY",
    "USER_RECOMMENDATIONS",
    "USER_SHARDS",
    "Column",
    "FeatureView",
    "SchemaError",
    "Table",
]
