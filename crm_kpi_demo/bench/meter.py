# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Measures a piece of work: wall time, processor time, temporary files, queries."""

import json
import resource
import time
from contextlib import contextmanager
from pathlib import Path

from odoo.tools import SQL

#: Ticks of a second in /proc.
TICKS = 100


class Meter:
    """The figures of one process, written to a file after each measure: a run that is ended early
    keeps what it has measured.

    PostgreSQL works without parallel workers (``PGOPTIONS``), so its processor time is that of one
    process.

    :param path: of the file; ``None``: none is written
    """

    def __init__(self, env, path=None):
        self.env = env
        self.path = path and Path(path)
        self.figures = {}

    @staticmethod
    def saved(path):
        """The figures that another process has written."""
        return json.loads(path.read_text())

    def note(self, **figures):
        """Keep figures by name."""
        self.figures |= figures
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.figures["peak_mb"] = max(self.figures.get("peak_mb", 0), peak)
        if self.path:
            # in one go: another process may read it
            written = self.path.with_name(f"{self.path.name}.new")
            written.write_text(json.dumps(self.figures))
            written.replace(self.path)

    @contextmanager
    def measure(self, name, commit=False):
        """Measure what happens in the block; the figures are named ``name.wall`` and so on.

        :param commit: commit at the end; only then the temporary files are known
        :return: dict with the seconds of the block, filled in at its end
        """
        env, seconds = self.env, {}
        before = self._temporary() if commit else 0
        queries, database = env.cr.sql_log_count, self.database_seconds()
        python, start = time.process_time(), time.perf_counter()
        yield seconds
        env.flush_all()
        if commit:
            env.cr.commit()
        seconds["wall"] = time.perf_counter() - start
        seconds["python"] = time.process_time() - python
        seconds["cpu"] = self.database_seconds() - database
        seconds["queries"] = env.cr.sql_log_count - queries
        if commit:
            seconds["temp_mb"] = (self._temporary() - before) / 2**20
        self.note(**{f"{name}.{key}": round(value, 4) for key, value in seconds.items()})

    def database_seconds(self):
        """Processor time of the database session; 0 where it runs on another machine."""
        pid = self.env.cr.connection.get_backend_pid()
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return 0
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICKS

    def _temporary(self):
        """Bytes of temporary files that this database has written, with those of this session."""
        # statistics are sent at the end of a transaction
        # pylint: disable=invalid-commit
        cr = self.env.cr
        cr.execute("SELECT pg_stat_force_next_flush()")
        cr.commit()
        cr.execute("SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()")
        [[size]] = cr.fetchall()
        cr.commit()
        return int(size)

    def note_tables(self, when, *tables):
        """Size and dead rows of tables."""
        self._temporary()  # brings the statistics up to date
        for table in tables:
            self.env.cr.execute(
                SQL(
                    """SELECT pg_total_relation_size(relid) / 2^20, n_dead_tup, n_live_tup
                         FROM pg_stat_all_tables WHERE relid = %s::regclass""",
                    table,
                )
            )
            [[size, dead, live]] = self.env.cr.fetchall()
            self.note(**{
                f"{when}.{table}.mb": round(float(size), 1),
                f"{when}.{table}.dead": dead,
                f"{when}.{table}.rows": live,
            })  # fmt: skip
