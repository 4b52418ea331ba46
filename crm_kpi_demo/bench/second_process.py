# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A phase in a second process, for the time of a measure."""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from .meter import Meter

#: Seconds between two looks at the file.
LOOK = 0.02


@contextmanager
def second_process(meter, name, phase):
    """Run a phase in a second process. The block begins when it has written its first figures.

    The phase goes on as long as its file is there, and then writes its last figures.

    :param name: prefix of its last figures
    :return: its first figures
    """
    path = Path(f"{meter.path}.{name}")
    script = (
        f"from odoo.addons.crm_kpi_demo import bench\nbench.run(env, {phase!r}, {str(path)!r})\n"
    )
    # the same command of the shell, with another script
    with subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]], stdin=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write(script)
        process.stdin.close()
        while not path.exists():
            if process.poll() is not None:
                raise ValueError(f"the phase {phase} did not start")
            time.sleep(LOOK)
        try:
            yield Meter.saved(path)
        finally:
            path.unlink()
    done = _last(path)
    figures = Meter.saved(done)
    done.unlink()
    meter.note(**{f"{name}.{key}": value for key, value in figures.items()})


def until_told(meter):
    """Yield numbers from 0 until the block of the first process ends.

    Figures may be noted after that only: the file would be there again.
    """
    number = 0
    while meter.path.exists():
        yield number
        number += 1
    meter.path = _last(meter.path)


def _last(path):
    return Path(f"{path}.done")
