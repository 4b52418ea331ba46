# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What ``./run bench`` measures inside Odoo, in databases of ``./run scale``.

Each phase runs in a process of its own, so that its peak memory is known.
"""

from .changes import measure_changes
from .goals import measure_goals
from .history import (
    help_when_called,
    measure_first,
    measure_history,
    measure_small_company,
    measure_small_company_without_statistics,
    measure_without_statistics,
    measure_workers,
)
from .meter import Meter
from .reading import measure_reading
from .rebuild import measure_rebuild
from .waits import measure_waits, write_until_told
from .writing import measure_writing

PHASES = {
    "history": measure_history,
    "first": measure_first,
    "workers": measure_workers,
    "second_worker": help_when_called,  # a part of "workers"
    "bare": measure_without_statistics,
    "changes": measure_changes,
    "rebuild": measure_rebuild,
    "reading": measure_reading,
    "goals": measure_goals,
    "writing": measure_writing,
    "waits": measure_waits,
    "writer": write_until_told,  # a part of "waits"
    "small": measure_small_company,
    "small_bare": measure_small_company_without_statistics,
}


def run(env, phase, path):
    """Run a phase; its figures are in the file at the end."""
    meter = Meter(env, path)
    PHASES[phase](env, meter)
    meter.note(done=1)
