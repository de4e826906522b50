"""Published table of experiments: who is in which arm."""

from __future__ import annotations

from recsys.schemas.table import INTEGER, REAL, TEXT, Column, Table, as_of

EXPERIMENT_ASSIGNMENTS = Table(
    "experiment_assignments",
    "One row per running experiment and user who takes part.",
    ("as_of_date", "experiment", "user_id"),
    (
        as_of(),
        Column("experiment", TEXT, "Name of the experiment."),
        Column("user_id", TEXT, "Who takes part."),
        Column("bucket", INTEGER, "Bucket of the user, from 0: a hash of the experiment's name and the user's id."),
        Column("arm", TEXT, "The user's arm; control is what the others are compared with."),
        Column("share", REAL, "Share of all users that the arm should hold."),
    ),
)
