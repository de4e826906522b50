"""Who hears of a failure: the log always, a mailbox or an address where the connection leads to one."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.web_listener import listening

pytestmark = pytest.mark.airflow

CONTEXT = {
    "ti": SimpleNamespace(
        dag_id="daily_recommendations",
        task_id="data.check_extracts",
        run_id="manual__1",
        try_number=3,
        log_url="http://x",
    ),
    "exception": ValueError("too many rows were refused"),
}


class _Mail(socketserver.StreamRequestHandler):
    got: list[str] = []  # noqa: RUF012

    def handle(self) -> None:
        self.wfile.write(b"220 hello\r\n")
        for raw in self.rfile:
            line = raw.decode().rstrip()
            if line.upper() == "DATA":
                self.wfile.write(b"354 go on\r\n")
                for part in iter(lambda: self.rfile.readline().decode().rstrip(), "."):
                    self.got.append(part)
            elif line.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 fine\r\n")


def _serve(server: Any) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mailbox() -> Iterator[int]:
    _Mail.got.clear()
    yield from _serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail))


def _notify() -> None:
    from plugins.notify import FailureNotifier

    FailureNotifier().notify(CONTEXT)


def test_the_log_says_what_failed_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins import notify

    lines: list[str] = []
    monkeypatch.setattr(notify, "_log", SimpleNamespace(error=lambda text, *values: lines.append(text % values)))
    _notify()
    for said in ("data.check_extracts failed", "manual__1, try 3", "too many rows were refused", "http://x"):
        assert said in lines[0]


def test_a_web_address_receives_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (address, posted):
        connection = {"conn_type": "http", "host": f"{address}/hook", "password": "token"}
        monkeypatch.setenv("AIRFLOW_CONN_RECSYS_NOTIFY", json.dumps(connection))
        _notify()
    [request] = posted
    assert (request.path, request.authorization) == ("/hook", "Bearer token")
    assert request.body["text"].startswith("daily_recommendations: data.check_extracts failed\n")
    assert "too many rows" in request.body["text"]


def test_a_mailbox_receives_the_message(mailbox: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.notify import deadline_missed

    connection = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": mailbox,
        "extra": {"from": "a@b.example", "to": "c@d.example"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_RECSYS_NOTIFY", json.dumps(connection))
    deadline_missed({"dag_run": {"run_id": "scheduled__2"}}, hours=4)
    mail = "\n".join(_Mail.got)
    assert "To: c@d.example" in mail and "Subject: daily_recommendations: scheduled__2 is late" in mail
    assert "4 hours after it was queued" in mail


def test_the_notice_of_a_step_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from plugins.notify import pass_on

    with listening() as (address, posted):
        connection = {"conn_type": "http", "host": f"{address}/hook"}
        monkeypatch.setenv("AIRFLOW_CONN_RECSYS_NOTIFY", json.dumps(connection))
        pass_on("manual__1", {"rows": 3})
        assert not posted
        pass_on("manual__1", {"rows": 3, "notice": "for_you: 4% of the first ten items were there"})
    [request] = posted
    assert request.body["text"].endswith(
        "manual__1 differs from the last published day\nfor_you: 4% of the first ten items were there"
    )
