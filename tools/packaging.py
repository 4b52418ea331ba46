# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Wheels of the addons, lock files, and the addons' README files."""

from __future__ import annotations

import argparse
import re
import subprocess

from .addons import repo_addons
from .common import REPO, Problem
from .node import tools_venv
from .process import error_line, run_logged
from .python_envs import compile_locks, python_env
from .state import state_folder


def command_wheel(options: argparse.Namespace) -> int:
    """Build an installable wheel of each addon into dist/."""
    state = state_folder()
    tools = tools_venv(state)
    log = state.logs / "wheel.log"
    for name in repo_addons():
        if not (REPO / name / "pyproject.toml").exists():
            raise Problem(
                f'{name}/pyproject.toml is missing: it must name build-backend = "whool.buildapi"'
            )
        command = [tools / "bin" / "python", "-m", "build", "--wheel", "--no-isolation"]
        command += ["--outdir", REPO / "dist", REPO / name]
        try:
            run_logged(command, log, env=python_env(), cwd=state.root)
        except subprocess.CalledProcessError as error:
            raise Problem(
                f"the wheel of {name} cannot be built ({error_line(log)}): the log is {log}"
            ) from error
        print(re.findall(r"\S+\.whl", log.read_text())[-1])
    return 0


def command_lock(options: argparse.Namespace) -> int:
    """Write requirements/*.txt again from requirements/*.in; pins that still fit are kept."""
    state = state_folder()
    state.prepare()
    for lock in compile_locks(state, REPO / "requirements"):
        print(lock.relative_to(REPO))
    return 0


def command_readme(options: argparse.Namespace) -> int:
    """Write README.rst and static/description/index.html of the addons that have changed."""
    python = tools_venv(state_folder()) / "bin" / "python"
    return subprocess.run([str(python), "-m", "tools.readme"], cwd=REPO, check=False).returncode
