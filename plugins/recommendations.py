"""What this project adds to Airflow's UI: the pages about the published recommendations.

Every component of Airflow imports this file when it loads plugins, so it imports nothing else.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/recommendations"


async def result_pages(scope: Any, receive: Any, send: Any) -> None:
    """The pages as an ASGI application; their modules are imported with the first request, in the API server alone."""
    from plugins.result_pages.app import app

    await app(scope, receive, send)


class RecommendationsPlugin(AirflowPlugin):
    """The page "Recommendations" in the navigation."""

    name = "recommendations"
    fastapi_apps = [{"app": result_pages, "url_prefix": PREFIX, "name": "Recommendations"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Recommendations",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "recommendations",
            "icon": f"{PREFIX}/icon.svg",
            "icon_dark_mode": f"{PREFIX}/icon-dark.svg",
            "nav_top_level": True,
        }
    ]
