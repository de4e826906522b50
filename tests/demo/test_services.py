"""The session on the warehouse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo import postgres, services


def test_psql_is_not_given_its_password_as_an_argument(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = postgres.Server("127.0.0.1", 5433, tmp_path, 1, dict.fromkeys(["recsys_writer"], "s3cret"))
    called: list[str] = []
    monkeypatch.setenv("PGPASSWORD", "")
    monkeypatch.setattr(postgres, "start", lambda folder: server)
    monkeypatch.setattr(postgres, "psql_path", lambda: Path("/bin/psql"))
    monkeypatch.setattr(os, "execv", lambda program, words: called.extend(words))
    services.psql(tmp_path)
    assert "s3cret" not in " ".join(called) and "5433" in called
    assert os.environ["PGPASSWORD"] == "s3cret"
