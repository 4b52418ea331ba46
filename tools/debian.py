# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Debian packages without root: apt-get with its own state, packages unpacked into a folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from .common import Problem
from .process import error_line, run_logged


def debian_release() -> str:
    """Code name of the Debian release of this machine."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        text = ""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if values.get("ID", "").strip('"') != "debian" or not shutil.which("apt-get"):
        raise Problem(
            "this system is not Debian, so Odoo cannot be fetched: "
            "install Odoo 19 and name the folder that holds odoo/release.py with ODOO_HOME"
        )
    return values.get("VERSION_CODENAME", "sid").strip('"') or "sid"


def debian_mirror(suite: str) -> str:
    """Address that apt's configuration uses for a suite.

    A suite that is not configured is taken from the main archive, except a security suite.
    """
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"],
        capture_output=True,
        text=True,
        check=False,
    )
    known = dict(
        reversed(line.split(" ", 1)) for line in listing.stdout.splitlines() if " " in line
    )
    for name in (suite, "stable", "testing", "unstable", "oldstable"):
        if name in known and (name == suite or not suite.endswith("-security")):
            return known[name]
    raise Problem(
        f"apt knows no source for Debian {suite}: add one to /etc/apt/sources.list.d, or set ODOO_HOME"
    )


class Apt:
    """apt-get with its own state: it needs no root and does not change the system's."""

    RETRIES = "3"

    def __init__(self, folder: Path, log: Path, sources: Iterable[tuple[str, str]]) -> None:
        self.folder = folder
        self.log = log
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        (folder / "debian.sources").write_text(
            "\n".join(
                f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {keyring}\n"
                for uri, suites in sources
            )
        )
        lines = self._system_configuration() + [
            f'{key} "{value}";' for key, value in self._own_configuration().items()
        ]
        (folder / "apt.conf").write_text("\n".join(lines) + "\n")
        self.env = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C.UTF-8"}

    def _system_configuration(self) -> list[str]:
        """The system's configuration (proxies, certificates, time-outs) without its hooks and folders."""
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
        return [
            line
            for line in dump.stdout.splitlines()
            if not re.match(r"(?i)dir|dpkg|apt::update", line)
        ]

    def _own_configuration(self) -> dict[str, str]:
        folder = self.folder
        return {
            "Dir::State": f"{folder}/state",
            "Dir::State::lists": f"{folder}/state/lists",
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": f"{folder}/cache",
            "Dir::Etc::sourcelist": f"{folder}/debian.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::main": "/dev/null",
            "APT::Sandbox::User": "",
            "Debug::NoLocking": "true",
            "Acquire::Languages": "none",
            "Acquire::Retries": self.RETRIES,
        }

    def update(self) -> None:
        """Fetch the package lists."""
        try:
            run_logged(["apt-get", "update", "--error-on=any"], self.log, env=self.env)
        except subprocess.CalledProcessError as error:
            raise Problem(
                f"Debian's package lists cannot be fetched ({error_line(self.log)}): "
                "check the network (and apt's proxy)"
            ) from error

    def missing(self, names: Sequence[str]) -> list[str]:
        """The packages and their dependencies that are not installed on this machine."""
        command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "--print-uris"]
        found = subprocess.run(
            [*command, *names], env=self.env, capture_output=True, text=True, check=False
        )
        uris = re.findall(r"^'[^']*' (\S+?)_\S+\.deb ", found.stdout, re.M)
        return uris or list(names)

    def download(self, names: Sequence[str], target: Path) -> list[Path]:
        """Fetch packages (checked against Debian's signatures) into a folder."""
        target.mkdir(parents=True, exist_ok=True)
        try:
            run_logged(["apt-get", "download", *names], self.log, env=self.env, cwd=target)
        except subprocess.CalledProcessError as error:
            raise Problem(
                f"{names[0]} cannot be fetched from Debian ({error_line(self.log)}): check the network"
            ) from error
        return sorted(target.glob("*.deb"))


def unpack(debs: Iterable[Path], target: Path, excludes: Sequence[str] = ()) -> None:
    """Unpack Debian packages into a folder, without root."""
    target.mkdir(parents=True, exist_ok=True)
    tar = ["tar", "-x", "-C", str(target), "--no-same-owner"]
    tar += [f"--exclude={item}" for item in excludes]
    for deb in debs:
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE
        ) as source:
            done = subprocess.run(
                tar, stdin=source.stdout, capture_output=True, text=True, check=False
            )
        if done.returncode or source.returncode:
            reason = done.stderr.strip()[-200:] or "damaged file"
            raise Problem(f"{deb.name} cannot be unpacked in {target}: {reason}")
