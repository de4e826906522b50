"""Published tables that say how good a day is: of its models, of its lists, of what the shop delivered."""

from __future__ import annotations

from recsys.schemas.table import DAY, DOUBLE, FLAG, INTEGER, TEXT, Column, Table, as_of

OFFLINE_METRICS = Table(
    "offline_metrics",
    "One row per model, setting and metric, measured on the run's own holdout.",
    ("as_of_date", "model", "setting", "metric"),
    (
        as_of(),
        Column("model", TEXT, "Ranker (the order without one where none was measured), generator or baseline."),
        Column("setting", TEXT, "all, repeat (bought before) or discover (never bought before)."),
        Column("metric", TEXT, "Name of the metric with its cut-off, such as ndcg@10."),
        Column("value", DOUBLE, "Mean over users."),
        Column("low", DOUBLE, "Lower end of the 95 % bootstrap interval.", nullable=True),
        Column("high", DOUBLE, "Upper end of the 95 % bootstrap interval.", nullable=True),
        Column("users", INTEGER, "Users measured."),
        Column("holdout_from", DAY, "First day of the holdout."),
        Column("holdout_to", DAY, "Day after the last day of the holdout."),
        Column("model_version", TEXT, "Hash that names the models and settings measured."),
    ),
)

REALISED_METRICS = Table(
    "realised_metrics",
    "One row per published day, horizon, list, slice and metric: what users did with what they were shown.",
    ("as_of_date", "published_date", "horizon_days", "list", "slice", "slice_value", "metric"),
    (
        as_of(),
        Column("published_date", DAY, "As-of date of the published lists that are measured."),
        Column(
            "horizon_days",
            INTEGER,
            "Days whose events count, from 00:00 of the published date, so some before the lists appeared; "
            "0: the lists alone.",
        ),
        Column("list", TEXT, "The list that is measured."),
        Column("slice", TEXT, "all, segment, warmth (cold: only fallbacks were shown), generator, slot or arm."),
        Column(
            "slice_value",
            TEXT,
            "Which segment, warm or cold, which generator, explored or ranked, experiment/arm; '' for all.",
        ),
        Column(
            "metric",
            TEXT,
            "ndcg@10, hit@10, recall@20, revenue_share@10: means; revenue@10, hits@10: sums; precision@10. "
            "Of revenue nothing where no price is known. "
            "Slots: also uniform_precision@20 (had each explored item been as likely), effective_sample_size@20. "
            "Arms: also sample_ratio_p. Of horizon 0: intra_list_distance@10, category_entropy@10 and novelty@10 "
            "(bits), coverage@10, gini@10.",
        ),
        Column("value", DOUBLE, "The metric's value."),
        Column("low", DOUBLE, "Lower end of the 95 % bootstrap interval.", nullable=True),
        Column("high", DOUBLE, "Upper end of the 95 % bootstrap interval.", nullable=True),
        Column(
            "users", INTEGER, "Users measured: with the list, and active within the horizon; of horizon 0, all with it."
        ),
        Column("model_version", TEXT, "Hash that names the models and settings behind the lists.", nullable=True),
    ),
)

GATE_VERDICTS = Table(
    "gate_verdicts",
    "One row per check of the gate, and one, verdict, for all of them.",
    ("as_of_date", "check_name", "setting"),
    (
        as_of(),
        Column("check_name", TEXT, "What was compared with what; verdict: all checks together."),
        Column("setting", TEXT, "all, repeat, discover, or the list; '' where the check knows no parts."),
        Column("severity", TEXT, "stop (failing it keeps the new models from serving), warn or info."),
        Column("passed", FLAG, "Whether the check holds."),
        Column("value", DOUBLE, "What was found: mostly the new models' ndcg@10 less the other's.", nullable=True),
        Column("low", DOUBLE, "Lower end of the paired 95 % bootstrap interval.", nullable=True),
        Column("high", DOUBLE, "Upper end of that interval.", nullable=True),
        Column("threshold", DOUBLE, "From where on the check fails.", nullable=True),
        Column("champion_date", DAY, "As-of date of the champion; null: there is none.", nullable=True),
        Column("models_of", DAY, "As-of date of the models that serve this day."),
        Column("accepted_by", TEXT, "Who let failed checks pass.", nullable=True),
        Column("accepted_why", TEXT, "Why they did.", nullable=True),
        Column("message", TEXT, "The finding as a sentence."),
        Column("model_version", TEXT, "Hash that names the models and settings that were judged."),
    ),
)

STABILITY_CHECKS = ("list_overlap", "item_churn", "score_drift", "feature_drift")
"""Values of data_quality's check_name that say how far a run is from the last published day."""

DATA_QUALITY = Table(
    "data_quality",
    "One row per check of a run's input, and of how far the run is from the last published day.",
    ("as_of_date", "table_name", "check_name", "subject"),
    (
        as_of(),
        Column("table_name", TEXT, "Table of the contract, lists or feature view that was checked."),
        Column("check_name", TEXT, "What was checked, as a code."),
        Column("subject", TEXT, "Column, day or reason that the check is about; '' for the whole table."),
        Column("severity", TEXT, "stop (the run ends before publishing), warn or info."),
        Column("value", DOUBLE, "What was found.", nullable=True),
        Column("threshold", DOUBLE, "From where on the check fails.", nullable=True),
        Column("passed", FLAG, "Whether the check holds."),
        Column("message", TEXT, "The finding as a sentence."),
    ),
)

REJECTED_ROWS = Table(
    "rejected_rows",
    "One row per source row that was refused, with the reason.",
    ("as_of_date", "table_name", "row_key", "reason"),
    (
        as_of(),
        Column("table_name", TEXT, "Table of the contract that the row came from."),
        Column(
            "row_key", TEXT, "The row's identifier (200 characters at most), or a hash of its values where it has none."
        ),
        Column("reason", TEXT, "Why it was refused, as a code."),
        Column("day", DAY, "Day partition that the row would have gone to.", nullable=True),
        Column("row_text", TEXT, "The row as JSON, as the source gave it."),
    ),
)
