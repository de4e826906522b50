"""Make Superset ready: its own tables, the administrator, and the dashboards of this folder; safe to repeat.

    SUPERSET_CONFIG_PATH=bi/superset_config.py SUPERSET_ADMIN_PASSWORD=… python -m bi.prepare

Runs in Superset's environment. What people made in Superset stays; the dashboards, charts and datasets of this folder
become again what the folder says.
"""

from __future__ import annotations

import json
import os
from typing import Any

import yaml
from flask import g
from superset.app import create_app

from bi.charts import Chart, read_dashboards
from bi.superset_assets import identifier, query_context, superset_assets

ADMINISTRATOR = "admin"


def main() -> None:
    """Tables, roles, administrator, dashboards."""
    with create_app().app_context():
        from flask_migrate import upgrade
        from superset import appbuilder, security_manager

        upgrade(directory=_migrations())
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        g.user = _administrator(security_manager, os.environ["SUPERSET_ADMIN_PASSWORD"])
        imported = import_dashboards()
    print(f"Superset has {imported} dashboards")


def import_dashboards() -> int:
    """Bring the dashboards into Superset, for the user of the application's context; how many they are."""
    from superset import db
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.slice import Slice

    dashboards = read_dashboards()
    assets = superset_assets(dashboards)
    contents = {path: yaml.safe_dump(asset) for path, asset in assets.items()}
    ImportAssetsCommand({"metadata.yaml": _metadata(), **contents}).run()
    datasets = {str(dataset.uuid): dataset for dataset in db.session.query(SqlaTable)}
    for path, asset in assets.items():
        if path.startswith("datasets/"):
            datasets[asset["uuid"]].fetch_metadata()
    charts = {str(chart.uuid): chart for chart in db.session.query(Slice)}
    for dashboard in dashboards:
        for chart in dashboard.charts.values():
            kept = charts[identifier("chart", dashboard.name, chart.name)]
            kept.query_context = _context(chart, datasets)
    db.session.commit()
    return len(dashboards)


def _context(chart: Chart, datasets: dict[str, Any]) -> str:
    """The chart's query with Superset's number of its dataset, so that the API can run it without the page."""
    return json.dumps(query_context(chart, datasets[identifier("dataset", chart.view)].id))


def _metadata() -> str:
    return yaml.safe_dump({"version": "1.0.0", "type": "assets"})


def _migrations() -> str:
    import superset

    return os.path.join(os.path.dirname(superset.__file__), "migrations")


def _administrator(manager: Any, password: str) -> Any:
    """The administrator with this password, made where there is none."""
    user = manager.find_user(ADMINISTRATOR)
    if user is None:
        role = manager.find_role("Admin")
        return manager.add_user(ADMINISTRATOR, "Superset", "Administrator", "admin@localhost", role, password=password)
    manager.reset_password(user.id, password)
    return user


if __name__ == "__main__":
    main()
