"""Dashboards for Apache Superset over the views of schema bi; imported in Superset's environment and by tests."""
