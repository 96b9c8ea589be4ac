"""Where the private engines live: folders, the account they run as, and whether that account can get there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import EngineError

PROJECT = Path(__file__).resolve().parents[3]
SYSTEM_HOME = Path("/var/lib/algotrendy")
"""Where root keeps the data when the servers' account cannot enter the project's folder."""
ACCOUNTS = ("postgres", "nobody")
"""Who runs the servers when we are root: the first of these that the machine knows."""


@dataclass(frozen=True, slots=True)
class Account:
    """An ordinary user of this machine; PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one platform: `var` for ourselves, `home` for the servers' data and logs."""

    var: Path
    home: Path
    account: Account | None

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def is_elsewhere(self) -> bool:
        return not self.home.is_relative_to(self.var)

    def give(self, path: Path) -> Path:
        """Hand a file or folder to the servers' account, where they do not run as ourselves."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)
        return path


def default_var() -> Path:
    return Path(os.environ.get("ALGOTRENDY_VAR") or PROJECT / "var").resolve()


def find_place(var: Path) -> Place:
    """Make the folders below `var` and settle who runs the servers; raise one line where that cannot be."""
    try:
        _make(var, 0o755)
        _make(var / "run", 0o755)
        if os.geteuid() != 0:
            return Place(var, _home(var / "engines", None), None)
        account = _account(var / "engines")
        for home in (var / "engines", SYSTEM_HOME / hashlib.sha256(str(var).encode()).hexdigest()[:12]):
            if can_write(account, _home(home, account)):
                return Place(var, home, account)
            if not any(home.iterdir()):
                home.rmdir()
    except OSError as error:
        raise EngineError(_folder_message(var, error)) from error
    raise EngineError(
        f"The account {account.name} cannot enter {var}; run as an ordinary user, or set ALGOTRENDY_VAR to a folder "
        f"outside your home."
    )


def _account(home: Path) -> Account:
    """Return the owner of the data there is, so that a change of user finds it again; else a service account."""
    if home.exists() and home.stat().st_uid != 0:
        found = home.stat()
        with contextlib.suppress(KeyError):
            return Account(pwd.getpwuid(found.st_uid).pw_name, found.st_uid, found.st_gid)
        return Account(str(found.st_uid), found.st_uid, found.st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EngineError("PostgreSQL does not run as root and there is no account for it; add one: useradd -r postgres.")


def can_write(account: Account | None, folder: Path) -> bool:
    """Try it as that account: modes, access lists and mounts all have their say."""
    if account is None:
        return os.access(folder, os.W_OK | os.X_OK)
    command = ["/bin/sh", "-c", 'test -w "$0" && test -x "$0"', str(folder)]
    return not subprocess.run(command, user=account.uid, group=account.gid, extra_groups=[], cwd="/").returncode


def _home(home: Path, account: Account | None) -> Path:
    _make(home.parent, 0o755)
    _make(home, 0o700)
    if account and home.stat().st_uid != account.uid:
        os.chown(home, account.uid, account.gid)
    return home


def make_folder(folder: Path) -> Path:
    """Make the folder where it is missing; raise one line where it cannot be had or written."""
    try:
        _make(folder, 0o755)
    except OSError as error:
        raise EngineError(_folder_message(folder, error)) from error
    return folder


def _make(folder: Path, mode: int) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "not ours to write", str(folder))


def _folder_message(var: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"There is no space left for {var}; free some, or set ALGOTRENDY_VAR to a folder on another disk."
    return (
        f"The folder {error.filename or var} cannot be written ({error.strerror}); make it yours, "
        f"or set ALGOTRENDY_VAR to a folder that is."
    )
