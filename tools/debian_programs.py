# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Programs that run from unpacked Debian packages, with the libraries and fonts this machine lacks."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from .common import Problem, remove, say, strict
from .debian import Apt, debian_mirror, debian_release, unpack
from .process import error_line, run_logged
from .state import State

WRAPPER = """#!/bin/sh
# {name} unpacked from Debian's packages, with the libraries and fonts that this machine lacks
export LD_LIBRARY_PATH={libraries}
export FONTCONFIG_FILE={fonts}
exec {program} "$@"
"""
FONTS_CONF = """<?xml version="1.0"?>
<fontconfig><dir>/usr/share/fonts</dir><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def need_program(
    state: State, name: str, find: Callable, fetch: Callable[[State], None], text: str
) -> None:
    """Find a program or fetch it. Without it the tests that use it are skipped; in strict mode it is an error."""
    if find(state):
        return
    try:
        with state.lock(name):
            if not find(state):
                fetch(state)
    except Problem as problem:
        if strict():
            raise Problem(f"{text} ({problem})") from problem
        say(f"{text} ({problem}); they are skipped")


def fetch_program(state: State, folder: str, packages: Sequence[str]) -> Path:
    """Unpack Debian packages, and the dependencies that this machine lacks, in the state folder."""
    suite = debian_release()
    work, target = state.root / f"fetch-{folder}", state.root / folder
    remove(work)
    remove(target)
    sources = [(debian_mirror(suite), suite)]
    with contextlib.suppress(Problem):  # no source for security updates
        sources.append((debian_mirror(f"{suite}-security"), f"{suite}-security"))
    apt = Apt(work / "apt", state.logs / f"apt-{folder}.log", sources)
    apt.update()
    unpack(apt.download(apt.missing(packages), work / "debs"), target)
    remove(work)
    return target


def write_wrapper(
    state: State, wrapper: Path, name: str, target: Path, program: str, trial: Sequence[str]
) -> None:
    """Write the script that starts an unpacked program with its libraries and fonts, and try it."""
    libraries = {
        path.parent for place in ("usr/lib", "lib") for path in target.glob(f"{place}/*/**/*.so*")
    }
    fonts = target / "fonts.conf"
    fonts.write_text(FONTS_CONF.format(fonts=target / "usr/share/fonts", cache=target / "cache"))
    wrapper.write_text(
        WRAPPER.format(
            name=name,
            libraries=":".join(shlex.quote(str(path)) for path in sorted(libraries)),
            fonts=shlex.quote(str(fonts)),
            program=shlex.quote(str(target / program)),
        )
    )
    wrapper.chmod(0o755)
    log = state.logs / f"{wrapper.name}.log"
    try:
        run_logged([wrapper, *trial], log)
    except subprocess.CalledProcessError as error:
        wrapper.unlink()
        raise Problem(f"the fetched program does not start: {error_line(log)}") from error
