# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The page *Health*: how the refresh runs, what fails, and what waits."""

from dataclasses import dataclass, field

from odoo.tools import SQL
from odoo.tools.misc import format_datetime, formatLang

from ..definitions.data_warnings import all_warnings

#: Most runs and failures of the page.
MOST_RUNS, MOST_FAILURES = 20, 50


@dataclass
class Run:
    """A run of the scheduled refresh; ``parts`` are its slowest steps and formulas."""

    id: int
    kind: str
    kind_text: str
    state: str
    state_text: str
    start: str
    seconds: str
    steps: str
    computed: int
    written: int
    failed: int
    parts: list


@dataclass
class Part:
    title: str
    part_of: str
    company: str
    seconds: str
    computed: int
    written: int
    failed: bool
    busy: bool


@dataclass
class Failure:
    """What fails; ``model`` and ``res_id`` are of the record to correct, empty for none."""

    kind: str
    name: str
    company: str
    error: str
    since: str
    next_try: str
    model: str
    res_id: int


@dataclass
class Queue:
    """Records that wait for the next refresh."""

    name: str
    count: int


@dataclass
class Health:
    """All of the page except for the warnings about data, which take longer.

    :param as_of: when the last complete run began: the values are of this time or later
    :param progress: share of the steps that the present run has done
    :param history: progress of reading the history; empty when it is complete
    :param waiting: number of published KPIs without values
    """

    is_active: bool
    is_running: bool
    next_run: str
    as_of: str
    progress: float = 0.0
    history: str = ""
    published: int = 0
    waiting: int = 0
    failure_count: int = 0
    failures: list[Failure] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)


def health(env):
    """The :class:`Health` for a KPI administrator."""
    # superuser: only when the scheduled refresh runs
    cron = env.ref("crm_kpi.ir_cron_refresh").sudo()
    runs = env["crm.kpi.run"].search([], limit=MOST_RUNS)
    complete = env["crm.kpi.run"].search(
        [("kind", "=", "refresh"), ("state", "=", "done")], limit=1
    )
    is_running = _is_running(cron)
    failures = env["crm.kpi.health"].search([])
    published = env["crm.kpi"].search([("state", "=", "published")])
    return Health(
        is_active=cron.active,
        is_running=is_running,
        next_run=_moment(env, cron.nextcall),
        as_of=_moment(env, complete.date),
        progress=_progress(cron) if is_running and runs[:1].state == "running" else 0.0,
        history=env["crm.kpi.backfill"]._progress_text(),
        published=len(published),
        waiting=len(published.filtered(lambda kpi: not kpi.last_refresh)),
        failure_count=len(failures),
        failures=[_failure(failure) for failure in failures[:MOST_FAILURES]],
        queues=_queues(env),
        runs=[_run(run, is_running) for run in runs],
    )


def warnings(env):
    """Warnings about the data of the published KPIs in the current company."""
    kpis = env["crm.kpi"].search([("state", "=", "published")])
    return all_warnings(kpis)


def _is_running(cron):
    """Whether the scheduler works on the action: it holds its row meanwhile."""
    savepoint = cron.env.cr.savepoint(flush=False)
    try:
        rows = cron.env.execute_query(
            SQL("SELECT 1 FROM ir_cron WHERE id = %s FOR SHARE SKIP LOCKED", cron.id)
        )
        return not rows
    finally:
        # without the lock: the scheduler passes over a row that is locked
        savepoint.close(rollback=True)


def _progress(cron):
    progress = cron.env["ir.cron.progress"].search(
        [("cron_id", "=", cron.id)], order="id desc", limit=1
    )
    return progress.done / max(1, progress.done + progress.remaining)


def _moment(env, moment):
    return format_datetime(env, moment, dt_format="short") if moment else ""


def _seconds(env, seconds):
    return env._("%s s", formatLang(env, seconds, digits=1))


def _label(record, name):
    return dict(record._fields[name]._description_selection(record.env))[record[name]]


def _run(run, is_running):
    env = run.env
    # killed: the next run has not noted it yet
    state = "killed" if run.state == "running" and not is_running else run.state
    companies = {company.id: company.name for company in env.companies}
    labels = dict(run._fields["state"]._description_selection(env))
    return Run(
        id=run.id,
        kind=run.kind,
        kind_text=_label(run, "kind"),
        state=state,
        state_text=labels[state],
        start=_moment(env, run.date),
        seconds=_seconds(env, run.seconds) if state not in ("running", "killed") else "",
        steps=env._("%(done)s of %(due)s", done=run.done_count, due=run.step_count),
        computed=run.computed_count,
        written=run.written_count,
        failed=run.failed_count,
        parts=[
            _part(env, part, companies)
            for part in run.steps or ()
            # those of other companies are none of the reader's business
            if not part["company_id"] or part["company_id"] in companies
        ],
    )


def _part(env, part, companies):
    return Part(
        title=part["title"],
        part_of=part["part_of"],
        company=companies.get(part["company_id"], ""),
        seconds=_seconds(env, part["seconds"]),
        computed=part["computed"],
        written=part["written"],
        failed=part["failed"],
        busy=part["busy"],
    )


def _failure(failure):
    env = failure.env
    action = failure.action_open() or {}
    return Failure(
        kind=_label(failure, "kind"),
        name=failure.name,
        company=failure.company_id.name or "",
        error=failure.error,
        since=_moment(env, failure.date),
        next_try=_moment(env, failure.next_try),
        model=action.get("res_model", ""),
        res_id=action.get("res_id", 0),
    )


def _queues(env):
    counts = env["crm.kpi.dirty"]._read_group([], ["res_model"], ["__count"])
    found = [
        Queue(env[model]._description if model in env else model, count) for model, count in counts
    ]
    return sorted(found, key=lambda queue: -queue.count)
