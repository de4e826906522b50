"""Who hears of a failed, late or drifting run: the log; a mailbox or web address where connection recsys_notify leads.

smtp    host, port, login, password; extra {"from": "airflow@shop.example", "to": "data@shop.example, ops@…"}
http(s) host (a whole address), password as a bearer token; receives {"text": "…"} as JSON
"""

from __future__ import annotations

import json
import logging
import smtplib
import urllib.request
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

CONNECTION = "recsys_notify"
_TIMEOUT_SECONDS = 20
_log = logging.getLogger(__name__)


class FailureNotifier(BaseNotifier):
    """Tells of a task that failed for good."""

    def notify(self, context: Any) -> None:
        """Send what failed, for which run, why, and where its log is."""
        instance, error = context["ti"], context.get("exception")
        subject = f"{instance.dag_id}: {instance.task_id} failed"
        lines = [f"Run {instance.run_id}, try {instance.try_number}.", f"{error}" if error else ""]
        lines.append(str(getattr(instance, "log_url", "") or ""))
        send(subject, "\n".join(line for line in lines if line))


def deadline_missed(context: Any, hours: float, **_: Any) -> None:
    """Tell that a run was not done in time; it goes on."""
    run = (context or {}).get("dag_run") or {}
    run = run if isinstance(run, Mapping) else vars(run)
    name = run.get("run_id") or run.get("dag_run_id") or "a run"
    send(f"daily_recommendations: {name} is late", f"It is not done {hours:g} hours after it was queued.")


def pass_on(run_id: str, counts: Mapping[str, Any]) -> None:
    """Send the `notice` that a step left among its counts, if any; that it cannot be sent does not fail the task."""
    if notice := counts.get("notice"):
        try:
            send(f"daily_recommendations: {run_id} differs from the last published day", str(notice))
        except Exception:
            _log.exception("the notice could not be sent")


def send(subject: str, text: str) -> None:
    """Log the message, and pass it on to where the connection recsys_notify leads."""
    _log.error("%s\n%s", subject, text)
    try:
        connection = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        return
    if connection.conn_type in {"smtp", "email"}:
        _mail(connection, subject, text)
    else:
        _post(connection, f"{subject}\n{text}")


def _mail(connection: Any, subject: str, text: str) -> None:
    extra = connection.extra_dejson
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, extra["from"], extra["to"]
    message.set_content(text)
    port = connection.port or 25
    kind = smtplib.SMTP_SSL if port == 465 else smtplib.SMTP
    with kind(connection.host, port, timeout=_TIMEOUT_SECONDS) as server:
        if port == 587:
            server.starttls()
        if connection.login:
            server.login(connection.login, connection.password or "")
        server.send_message(message)


def _post(connection: Any, text: str) -> None:
    address = connection.host if "://" in (connection.host or "") else connection.get_uri()
    headers = {"Content-Type": "application/json"}
    if connection.password:
        headers["Authorization"] = f"Bearer {connection.password}"
    request = urllib.request.Request(address, json.dumps({"text": text}).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):
        pass
