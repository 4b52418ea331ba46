# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Chromium, for browser tests and pictures."""

from __future__ import annotations

import os
import shutil

from .common import step
from .debian_programs import fetch_program, need_program, write_wrapper
from .state import State

CHROMIUM_NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")


def find_chromium(state: State) -> str | None:
    """Chromium where Odoo's tests look for it: on the PATH, then in the state folder."""
    path = os.pathsep.join((os.environ.get("PATH", ""), str(state.bin)))
    return next(filter(None, (shutil.which(name, path=path) for name in CHROMIUM_NAMES)), None)


def need_chromium(state: State) -> None:
    """Find or fetch Chromium for the browser tests."""
    text = "no Chromium for the browser tests: apt install chromium fonts-liberation"
    need_program(state, "chromium", find_chromium, fetch_chromium, text)


def fetch_chromium(state: State) -> None:
    """Fetch Chromium from Debian and try it."""
    with step("fetching Chromium from Debian (about 120 MB)"):
        target = fetch_program(state, "browser", ["chromium", "fonts-liberation"])
    trial = ["--headless", "--no-sandbox", "--version"]
    program = "usr/lib/chromium/chromium"
    write_wrapper(state, state.bin / "chromium", "Chromium", target, program, trial)
