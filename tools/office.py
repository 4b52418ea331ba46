# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""LibreOffice, which recalculates the formulas of workbooks in tests."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .common import step
from .debian_programs import fetch_program, need_program, write_wrapper
from .state import State

PACKAGES = [
    "libreoffice-calc-nogui",
    "fonts-liberation",
    "fonts-crosextra-carlito",
    "fonts-dejavu-core",
]


def find_office(state: State) -> str | None:
    """LibreOffice on the PATH, then in the state folder."""
    path = os.pathsep.join((os.environ.get("PATH", ""), str(state.bin)))
    return shutil.which("soffice", path=path)


def need_office(state: State) -> None:
    """Find or fetch LibreOffice for the tests of workbooks."""
    text = "no LibreOffice for the tests of workbooks: apt install libreoffice-calc"
    need_program(state, "office", find_office, fetch_office, text)


def fetch_office(state: State) -> None:
    """Fetch LibreOffice's spreadsheet without its user interface from Debian, relocate and try it."""
    with step("fetching LibreOffice from Debian (about 100 MB)"):
        target = fetch_program(state, "office", PACKAGES)
    _relocate(target)
    trial = ["--headless", f"-env:UserInstallation=file://{target}/trial", "--version"]
    program = "usr/lib/libreoffice/program/soffice"
    write_wrapper(state, state.bin / "soffice", "LibreOffice", target, program, trial)


def _relocate(target: Path) -> None:
    """Make the unpacked copy use its own files instead of those in /etc, /usr and /var."""
    for path in target.rglob("*"):
        if path.is_symlink() and (link := os.readlink(path)).startswith("/"):
            inside = target / link.lstrip("/")
            if inside.exists() or inside.is_symlink():
                path.unlink()
                path.symlink_to(os.path.relpath(inside, path.parent))
    # The packages' installation scripts, which are not run here, copy the settings.
    shutil.copytree(
        target / "usr/lib/libreoffice/share/.registry",
        target / "etc/libreoffice/registry",
        dirs_exist_ok=True,
    )
    for path in (target / "usr/lib/libreoffice/program").glob("*rc"):
        path.write_text(re.sub(r"file:///(?=usr/|etc/)", f"file://{target}/", path.read_text()))
