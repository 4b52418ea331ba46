# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The log of the scheduled refresh: one row per run, and messages to the page *Health*.

A run writes its row twice, at its begin and at its end, with the commits that it makes anyway.
"""

import time
from dataclasses import asdict, dataclass

from odoo import fields

from .announce import announce_run
from .values import computed_count

#: Number of steps that a row keeps: the slowest ones. Those that failed are kept in addition.
KEPT = 25
#: Seconds between two messages during a run.
MESSAGE_EVERY = 2


def complete_since(env):
    """When the latest scheduled refresh began; ``None`` while it or the history is not complete.

    Until then, some values are of before and some of after it: mails about them wait.
    """
    if env["crm.kpi.backfill"]._is_pending():
        return None
    # superuser: only when the run began, and whether it has ended
    latest = env["crm.kpi.run"].sudo().search([("kind", "=", "refresh")], limit=1)
    return latest.date if latest.state == "done" else None


def last_complete(env):
    """When the latest scheduled refresh that came to its end began; ``None`` before the first one."""
    # superuser: only when the run began
    domain = [("kind", "=", "refresh"), ("state", "=", "done")]
    return env["crm.kpi.run"].sudo().search(domain, limit=1).date or None


@dataclass
class StepLog:
    """What a step did; a long step has several turns.

    :param part_of: of a formula the title of its step
    :param computed: number of KPIs in periods that were due and were computed
    :param written: number of values that were written
    """

    title: str
    company_id: int | None = None
    part_of: str = ""
    seconds: float = 0.0
    computed: int = 0
    written: int = 0
    failed: bool = False
    busy: bool = False


class RunLog:
    """The log of one run.

    :param kind: of ``crm.kpi.run``
    """

    def __init__(self, env, kind):
        self.env = env
        self.kind = kind
        self.date = fields.Datetime.now()
        self.begin_time = time.monotonic()
        self.told_at = self.begin_time
        self.steps = {}
        self.due = self.done = 0
        self.record = None

    def begin(self, due):
        """Write the row; it is seen after the next commit.

        :param due: number of steps
        """
        self.due = due
        # superuser: bookkeeping of the refresh
        runs = self.env["crm.kpi.run"].sudo()
        # one run at a time: an earlier one that did not end was killed
        runs.search([("kind", "=", self.kind), ("state", "=", "running")]).state = "killed"
        self.record = runs.create({"kind": self.kind, "date": self.date, "step_count": due})
        self._tell("running")

    def note(self, step, seconds, written, computed):
        """Add what a turn of a step did."""
        company_id = step.company.id if step.company else None
        log = self.steps.setdefault(step.name, StepLog(step.title, company_id))
        log.seconds += seconds
        log.written += written
        log.computed += computed
        log.failed = step.has_failed
        log.busy = bool(step.skipped)
        for title, part_seconds in step.seconds_of_parts().items():
            part = self.steps.setdefault(
                (step.name, title), StepLog(title, company_id, part_of=step.title)
            )
            part.seconds += part_seconds

    def step_done(self, step):
        self.done += 1
        if time.monotonic() - self.told_at > MESSAGE_EVERY:
            self._tell("running", step.title)

    def finish(self, state):
        """Write the end of the run."""
        logs = sorted(self.steps.values(), key=lambda log: -log.seconds)
        kept = [log for index, log in enumerate(logs) if index < KEPT or log.failed or log.busy]
        whole = [log for log in logs if not log.part_of]
        self.record.write(
            {
                "state": state,
                "seconds": time.monotonic() - self.begin_time,
                "done_count": self.done,
                "computed_count": sum(log.computed for log in whole),
                "written_count": sum(log.written for log in whole),
                "failed_count": sum(log.failed for log in whole),
                "steps": [asdict(log) for log in kept],
            }
        )
        self._tell(state)

    def _tell(self, state, title=""):
        self.told_at = time.monotonic()
        announce_run(
            self.env,
            {
                "kind": self.kind,
                "state": state,
                "done": self.done,
                "due": self.due,
                "title": title,
                "written": sum(log.written for log in self.steps.values()),
                "failed": sum(log.failed for log in self.steps.values()),
                "seconds": round(time.monotonic() - self.begin_time, 1),
            },
        )


class Turn:
    """Measures one turn of a step, for :meth:`RunLog.note`.

    ``with Turn(log, step) as turn: turn.written = …``
    """

    def __init__(self, log, step):
        self.log = log
        self.step = step
        self.written = 0

    def __enter__(self):
        self.begin_time = time.monotonic()
        self.computed_before = computed_count(self.step.env)
        return self

    def __exit__(self, *error):
        self.log.note(
            self.step,
            time.monotonic() - self.begin_time,
            self.written,
            max(0, computed_count(self.step.env) - self.computed_before),
        )
