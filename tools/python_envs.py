# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Python environments with pinned packages, and their lock files.

uv does the work. It does not read pip's configuration, so on machines that reach packages only
through it (an index of a company), pip is used instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .common import Problem, digest, remove, say, step
from .debian import Apt, debian_mirror, debian_release, unpack
from .process import error_line, run_logged
from .state import State

PYTHON_RANGE = ((3, 10), (3, 14))  # from, below
UV = "uv==0.13.9"


def base_python() -> str:
    """A Python that Odoo 19 supports: the one that runs this tool, or another one on the PATH."""
    low, high = PYTHON_RANGE
    if low <= sys.version_info[:2] < high:
        return sys.executable
    for minor in range(high[1] - 1, low[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise Problem(
        f"Odoo 19 runs on Python 3.10 to 3.13, this is {sys.version.split()[0]}: install python3.13"
    )


def python_env() -> dict[str, str]:
    """Environment for Python programs: byte code is kept, and uv trusts the system's certificates."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    env = {key: value for key, value in os.environ.items() if key not in left_out}
    return {**env, "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}


def site_packages(venv: Path) -> Path:
    """The folder of a virtual environment's packages."""
    (found,) = (venv / "lib").glob("python3*/site-packages")
    return found


def empty_venv(target: Path, log: Path) -> None:
    """Make a virtual environment without pip."""
    remove(target)
    try:
        run_logged([base_python(), "-m", "venv", "--without-pip", target], log)
    except subprocess.CalledProcessError as error:
        raise Problem(
            f"no virtual environment can be made ({error_line(log)}): apt install python3-venv"
        ) from error


def pip_venv(state: State, target: Path, log: Path) -> None:
    """Make a virtual environment with pip; where Python lacks ensurepip, pip comes from Debian's package."""
    remove(target)
    try:
        run_logged([base_python(), "-m", "venv", target], log)
        return
    except subprocess.CalledProcessError:
        say("this Python lacks ensurepip (package python3-venv): fetching pip from Debian")
    empty_venv(target, log)
    suite = debian_release()
    work = state.root / "fetch-pip"
    remove(work)
    apt = Apt(work / "apt", state.logs / "apt-pip.log", [(debian_mirror(suite), suite)])
    apt.update()
    unpack(apt.download(["python3-pip-whl"], work / "debs"), work / "files")
    (wheel,) = (work / "files").glob("usr/share/python-wheels/pip-*.whl")
    run_logged([target / "bin" / "python", f"{wheel}/pip", "install", "--no-index", wheel], log)
    remove(work)


def installer(state: State) -> Path:
    """Python of the environment that holds pip and, if available, uv; it installs into the others."""
    target = state.root / f"installer-{digest(UV, base_python(), str(sys.version_info[:2]))}"
    python, log = target / "bin" / "python", state.logs / f"{target.name}.log"
    if not (target / ".complete").exists():
        with state.lock(target.name):
            if not (target / ".complete").exists():
                pip_venv(state, target, log)
                try:
                    run_logged([*pip_install(python), UV], log, env=python_env())
                    (target / ".complete").touch()
                except subprocess.CalledProcessError:
                    say(f"uv cannot be installed ({error_line(log)})")
    return python


def pip_install(python: Path, *options: str | Path) -> list[str | Path]:
    """pip's command to install packages."""
    pip = [python, "-m", "pip", "--disable-pip-version-check", *options]
    return [*pip, "install", "--quiet", "--no-cache-dir"]


def make_venv(
    state: State,
    prefix: str,
    files: Sequence[Path],
    bare: Sequence[Path] = (),
    pth: Path | None = None,
) -> Path:
    """Virtual environment with the pinned packages of `files` (and `bare`, without their dependencies).

    Its folder is named after its inputs, so check-outs with other pins do not disturb each other.
    """
    inputs = [path.read_bytes() for path in (*files, *bare)]
    python = base_python()
    version = f"{sys.version_info[:2]}" if python == sys.executable else python
    target = state.root / f"{prefix}-{digest(*inputs, version, str(pth))}"
    stamp = target / ".complete"
    if stamp.exists():
        return target
    with state.lock(target.name):
        if stamp.exists():
            return target
        names = ", ".join(path.name for path in (*files, *bare))
        with step(f"installing Python packages ({names})"):
            log = state.logs / f"{target.name}.log"
            empty_venv(target, log)
            install_packages(state, target, [(files, []), (bare, ["--no-deps"])], log)
            if pth:
                (site_packages(target) / "crm_kpi_odoo.pth").write_text(f"{pth}\n")
            stamp.touch()
    return target


def install_packages(
    state: State, venv: Path, groups: Sequence[tuple[Sequence[Path], list[str]]], log: Path
) -> None:
    """Install requirement files into an environment."""
    manager, python = installer(state), venv / "bin" / "python"
    cache = state.root / f"uv-cache-{venv.name}"
    env = {**python_env(), "UV_CACHE_DIR": str(cache)}
    uv = [manager, "-m", "uv", "pip", "install", "--python", python, "--compile-bytecode"]
    groups = [
        [*options, *(part for path in files for part in ("-r", path))]
        for files, options in groups
        if files
    ]
    try:
        for arguments in groups:
            run_logged([*uv, *arguments], log, env=env)
    except subprocess.CalledProcessError:
        say(f"uv did not work ({error_line(log)}): trying pip")
        try:
            for arguments in groups:
                run_logged([*pip_install(manager, "--python", python), *arguments], log, env=env)
        except subprocess.CalledProcessError as error:
            raise Problem(
                f"Python packages cannot be installed ({error_line(log)}): "
                f"check the network and pip's configuration; the log is {log}"
            ) from error
    finally:
        remove(cache)


def compile_locks(state: State, folder: Path) -> list[Path]:
    """Write the lock files of `folder` from the `.in` files beside them; pins that still fit are kept."""
    manager, log = installer(state), state.logs / "lock.log"
    uv = [manager, "-m", "uv", "pip", "compile", "--universal", "--python-version", "3.10"]
    uv += ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    uv += ["--custom-compile-command", "./run lock"]
    locks = []
    # Odoo's pins come first: those of the tests must agree with them.
    for source in sorted(folder.glob("*.in"), key=lambda path: (path.stem != "odoo-19", path.stem)):
        lock = source.with_suffix(".txt")
        agree = ["-c", folder / "odoo-19.txt"] if source.stem == "dev" else []
        try:
            run_logged([*uv, *agree, source, "-o", lock], log, env=python_env())
        except subprocess.CalledProcessError as error:
            raise Problem(f"uv cannot lock {source.name} ({error_line(log)}): see {log}") from error
        locks.append(lock)
    return locks
