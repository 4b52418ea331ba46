# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The code of Odoo 19: named, already installed, or fetched from Debian."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from pathlib import Path

from .common import Problem, remove, step
from .debian import Apt, debian_mirror, debian_release, unpack
from .state import State

SERIES = (19, 0)
PACKAGES = Path("usr/lib/python3/dist-packages")  # of a Debian package
SELFIE = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
# Odoo 19 is in Debian's unstable; links of its package expect two fonts in the version of bookworm.
ODOO_DEBS = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome/bookworm",
    "fonts-inconsolata/bookworm",
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
)
# Translations are most of the package's 1.2 GB; the second folder holds the addons again, without their files.
ODOO_EXCLUDES = ("*/i18n/*.po", f"./{PACKAGES}/addons")


def odoo_series(home: Path) -> tuple[int, int] | None:
    """Series of the Odoo whose package is in this folder; None when there is none."""
    try:
        text = (home / "odoo" / "release.py").read_text()
    except OSError:
        return None
    found = re.search(r"^version_info\s*=\s*\(\s*(\d+)\s*,\s*(\d+)", text, re.M)
    return (int(found[1]), int(found[2])) if found else None


def installed_odoo() -> list[Path]:
    """Folders where an Odoo may already be: Debian's package, or importable by this Python."""
    folders = [Path("/") / PACKAGES]
    with contextlib.suppress(ImportError, ValueError):
        spec = importlib.util.find_spec("odoo")
        places = (spec.submodule_search_locations or ()) if spec else ()
        folders += [Path(place).parent for place in places]
    return folders


def odoo_home(state: State) -> Path:
    """The folder that holds the package `odoo`; the one in the state folder may still have to be fetched."""
    named = os.environ.get("ODOO_HOME")
    if named:
        series = odoo_series(Path(named))
        if series is None:
            raise Problem(
                f"ODOO_HOME={named} holds no odoo/release.py: name the folder above Odoo's package `odoo`"
            )
        if series != SERIES:
            raise Problem(
                f"ODOO_HOME={named} is Odoo {series[0]}.{series[1]}, but {SERIES[0]}.{SERIES[1]} is needed: "
                "name another folder, or unset ODOO_HOME to have it fetched"
            )
        return Path(named).resolve()
    installed = (folder for folder in installed_odoo() if odoo_series(folder) == SERIES)
    return next(installed, state.root / "odoo" / PACKAGES)


def find_odoo(state: State) -> Path:
    """The folder that holds the package `odoo`, fetched if necessary."""
    home = odoo_home(state)
    if odoo_series(home) is None:
        with state.lock("odoo"):
            if odoo_series(home) is None:
                fetch_odoo(state)
    return home


def fetch_odoo(state: State) -> None:
    """Fetch Odoo 19 and the libraries its package links to from Debian, and unpack them."""
    mirror = debian_mirror(debian_release())
    work, target = state.root / "fetch-odoo", state.root / "odoo"
    remove(work)
    remove(target)
    with step("fetching Odoo 19 from Debian (134 MB)"):
        apt = Apt(work / "apt", state.logs / "apt-odoo.log", [(mirror, "sid bookworm")])
        try:
            apt.update()
            debs = apt.download(ODOO_DEBS, work / "debs")
        except Problem as problem:
            text = f"{problem}, or set ODOO_HOME to an Odoo 19 that is already here"
            raise Problem(text) from problem
    with step("unpacking Odoo"):
        unpack(debs, work / "odoo", ODOO_EXCLUDES)
    home = work / "odoo" / PACKAGES
    series = odoo_series(home)
    if series != SERIES:
        raise Problem(
            f"Debian's odoo-19 is of series {series}, not 19.0: set ODOO_HOME to an Odoo 19.0"
        )
    # Debian leaves this library out; without the file no tour and no JavaScript test starts.
    stub = home / "odoo" / "addons" / SELFIE
    if not stub.exists():
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text(
            "/* not part of Debian's package: video calls cannot blur the background */\n"
        )
    (work / "odoo").rename(target)
    remove(work)
