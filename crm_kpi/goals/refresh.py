# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Value, attainment and status of goals: read in one join, judged by ``engine.pace``."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta

from odoo.tools import SQL

from ..engine import pace
from ..engine.time_behaviour import time_behaviours
from ..engine.withholding import is_hidden
from .baseline import find_baselines
from .cell import is_computed, same_cell

#: Kind of a goal by the objective of its KPI.
DEFAULT_KIND = {"increase": "at_least", "decrease": "at_most", "maintain": "range"}
#: Computed columns in the order of the statement that writes them, with their SQL type.
COMPUTED = {
    "value": "float8",
    "record_count": "int4",
    "baseline": "float8",
    "baseline_version": "int4",
    "target": "float8",
    "attainment": "float8",
    "expected": "float8",
    "projected": "float8",
    "status": "text",
}


@dataclass
class GoalRow:
    """A goal as it is stored, and the stored value of its cell.

    :param new_value: value of the cell now; ``new_ahead``: its part that is dated in the rest of
        the period; ``has_value``: whether the cell has a row
    :param is_computed: the cell was computed, so that no row means no record
    :param baseline_found: baseline to improve on, ``None`` while it is not known;
        ``baseline_version_found``: version of the definition of the values that it is made of
    """

    id: int
    kpi_id: int
    period_id: int
    scope: str
    team_id: int | None
    user_id: int | None
    segment_id: int | None
    create_date: datetime
    kind: str
    target: float | None
    target_max: float | None
    improve_by: float | None
    baseline_kind: str | None
    baseline_count: int | None
    baseline_fixed: float | None
    baseline: float | None
    baseline_version: int | None
    value: float | None
    record_count: int | None
    attainment: float | None
    expected: float | None
    projected: float | None
    status: str
    as_of: datetime | date | None
    new_value: float | None
    new_record_count: int
    new_ahead: float
    withheld: bool
    has_value: bool
    is_computed: bool
    baseline_found: float | None = None
    baseline_version_found: int | None = None


#: Columns of the goal that :class:`GoalRow` takes as they are.
_STORED = [field.name for field in fields(GoalRow)][:-8]


def judge(kpi, behaviour, elapsed, *, kind, target, target_max, value, record_count, ahead):
    """The status of a goal for a KPI, see :func:`~..engine.pace.judge`."""
    return pace.judge(
        kind,
        target,
        target_max,
        value,
        record_count,
        elapsed,
        # a manual entry can be meant for days to come: a forecast must not make it worse
        additive=behaviour.additive and (kpi.kind != "manual" or kind == "at_least"),
        final_only=behaviour.final_only,
        maturing=bool(behaviour.maturity),
        min_sample=kpi.min_sample,
        ahead=ahead,
    )


class GoalRefresh:
    """Brings goals up to date. The number of statements does not depend on that of goals."""

    def __init__(self, env, now):
        # superuser: values and statuses of goals are computed; no user writes them
        self.model = env["crm.kpi.goal"].sudo()
        self.env = self.model.env
        self.now = now

    def company(self, company):
        """Refresh the goals of a company that can have changed.

        Those are goals of running and provisional periods, goals of future periods until their
        baseline is known, and goals of locked periods that were not settled before the lock.
        """
        self._run(
            SQL(
                """goal.company_id = %(company)s AND goal.active AND CASE
                     WHEN period.state = 'locked' THEN goal.value IS NULL
                          OR goal.status NOT IN ('achieved', 'missed', 'too_few')
                     WHEN period.utc_from > %(now)s THEN goal.as_of IS NULL
                          OR (goal.kind = 'improve' AND goal.baseline IS NULL)
                     ELSE TRUE END""",
                company=company.id,
                now=self.now,
            ),
            SQL("goal.company_id = %s", company.id),
        )

    def goals(self, ids, renew=()):
        """Refresh these goals.

        :param renew: ids of goals whose baseline is looked up again
        """
        if ids:
            self._run(SQL("goal.id = ANY(%s) AND goal.active", ids),
                      SQL("goal.id = ANY(%s)", ids), renew)  # fmt: skip

    def _run(self, which, linked, renew=()):
        """Compute goals, write those that changed, and link them with their values.

        :param SQL which: condition on ``goal`` and ``period``: the goals to compute
        :param SQL linked: condition on ``goal``: the goals whose links to values are set
        """
        self.env.flush_all()
        rows = {row.id: row for row in self._read(which)}
        for row in rows.values():
            if row.kind == "improve" and row.id not in renew:
                row.baseline_found = row.baseline
                row.baseline_version_found = row.baseline_version
        find_baselines(self.env, list(rows.values()), self.now)
        changed = {
            goal_id: result
            for goal_id, result in self._judge(rows.values()).items()
            if rows[goal_id].as_of is None
            or any(getattr(rows[goal_id], name) != result[name] for name in COMPUTED)
        }
        self._write(changed)
        counter_changed = self._write_counter_missed({row.period_id for row in rows.values()})
        self._link_values(linked)
        self.model.browse([*changed, *counter_changed]).invalidate_recordset(
            [*COMPUTED, "status_since", "as_of", "counter_missed"], flush=False
        )
        settled = [
            goal_id
            for goal_id, result in changed.items()
            if result["status"] in pace.FINAL
            and rows[goal_id].as_of is not None
            and rows[goal_id].status != result["status"]
        ]
        self.model.browse(settled)._log_settled()

    def _read(self, which):
        """The goals with the value of their cell: list of :class:`GoalRow`."""
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT %s, CASE WHEN NOT hidden THEN value.value END AS new_value,
                          CASE WHEN hidden THEN 0
                               ELSE COALESCE(value.record_count, 0) END AS new_record_count,
                          COALESCE(value.ahead, 0) AS new_ahead, hidden AS withheld,
                          value.id IS NOT NULL AS has_value, %s AS is_computed
                     FROM crm_kpi_goal AS goal
                     JOIN crm_kpi_period AS period ON period.id = goal.period_id
                     JOIN crm_kpi AS kpi ON kpi.id = goal.kpi_id
                     LEFT JOIN crm_kpi_value AS value ON %s
                     LEFT JOIN crm_kpi_computation AS computation
                            ON computation.kpi_id = goal.kpi_id
                           AND computation.period_id = goal.period_id
                    CROSS JOIN LATERAL (SELECT %s) AS shown(hidden)
                    WHERE %s
                    ORDER BY goal.id""",
                SQL(", ").join(SQL.identifier("goal", name) for name in _STORED),
                is_computed("goal.kpi_id", "goal.period_id"),
                same_cell("goal", "value", "level"),
                is_hidden("value"),
                which,
            )
        )
        return [GoalRow(**row) for row in rows]

    def _judge(self, rows):
        """The computed columns of each goal: dict of goal id to dict of column to value."""
        kpis = self.env["crm.kpi"].browse({row.kpi_id for row in rows})
        periods = self.env["crm.kpi.period"].browse({row.period_id for row in rows})
        behaviours = time_behaviours(kpis)
        # a record counts only when it is mature: the elapsed part is that of some days ago
        elapsed_by_maturity = {
            maturity: periods._elapsed(self.now - timedelta(days=maturity))
            for maturity in {behaviour.maturity for behaviour in behaviours.values()}
        }
        results = {}
        for row in rows:
            kpi, period = kpis.browse(row.kpi_id), periods.browse(row.period_id)
            behaviour = behaviours[kpi]
            elapsed = elapsed_by_maturity[behaviour.maturity][period]
            if period.state == "locked":
                elapsed = replace(elapsed, over=True)  # the value does not change any more
            results[row.id] = self._judge_one(row, kpi, period, behaviour, elapsed)
        return results

    def _judge_one(self, row, kpi, period, behaviour, elapsed):
        value = row.new_value
        if not row.has_value and row.is_computed and self.now >= period.utc_from:
            value = 0.0 if kpi._zero_in(period) else value
        kind, target, baseline = row.kind, row.target, None
        if kind == "improve":
            baseline = row.baseline_found
            target = pace.improved(baseline, row.improve_by, kpi.direction)
            kind = DEFAULT_KIND[kpi.direction]
        verdict = (
            pace.Verdict("too_few")
            if row.withheld
            else judge(
                kpi,
                behaviour,
                elapsed,
                kind=kind,
                target=target,
                target_max=row.target_max,
                value=value,
                record_count=row.new_record_count,
                ahead=row.new_ahead,
            )
        )
        return {
            "value": value,
            "record_count": row.new_record_count,
            "baseline": baseline,
            "baseline_version": None if baseline is None else row.baseline_version_found,
            "target": target,
            "attainment": verdict.attainment,
            "expected": verdict.expected,
            "projected": verdict.projected,
            "status": verdict.status,
        }

    def _write(self, results):
        if not results:
            return
        columns = [
            SQL("%s::%s[]", [result[name] for result in results.values()], SQL(type_))
            for name, type_ in COMPUTED.items()
        ]
        names = [SQL.identifier(name) for name in COMPUTED]
        # write_date changes with the target only: formulas over targets depend on it
        self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_goal AS goal
                      SET %(sets)s, as_of = %(now)s,
                          write_date = CASE WHEN goal.target IS DISTINCT FROM new.target
                                            THEN %(now)s ELSE goal.write_date END,
                          status_since = CASE WHEN goal.status = new.status
                                                   AND goal.as_of IS NOT NULL
                                              THEN goal.status_since ELSE %(now)s END
                     FROM unnest(%(ids)s::int4[], %(columns)s) AS new(id, %(names)s)
                    WHERE goal.id = new.id
                RETURNING 1""",
                sets=SQL(", ").join(SQL("%s = new.%s", name, name) for name in names),
                now=self.now,
                ids=list(results),
                columns=SQL(", ").join(columns),
                names=SQL(", ").join(names),
            )
        )

    def _write_counter_missed(self, period_ids):
        """Note which goals are met while the goal of their counter-metric is missed.

        :return: ids of the goals for which that changed
        """
        rows = self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_goal AS goal SET counter_missed = now.counter_missed
                     FROM (SELECT goal.id,
                                  goal.status IN ('achieved', 'on_track') AND EXISTS (
                                      SELECT 1 FROM crm_kpi_goal AS counter
                                       WHERE counter.active AND counter.kpi_id = kpi.counter_kpi_id
                                         AND %s AND counter.status IN ('off_track', 'missed'))
                                  AS counter_missed
                             FROM crm_kpi_goal AS goal JOIN crm_kpi AS kpi ON kpi.id = goal.kpi_id
                            WHERE goal.period_id = ANY(%s)) AS now
                    WHERE now.id = goal.id AND goal.counter_missed IS DISTINCT FROM now.counter_missed
                RETURNING goal.id""",
                same_cell("goal", "counter", "scope", kpi=False),
                list(period_ids),
            )
        )
        return [goal_id for (goal_id,) in rows]

    def _link_values(self, linked):
        """Link each value with the active goal for its cell, and with no other."""
        rows = self.env.execute_query(
            SQL(
                """-- materialized: one look-up, also where the planner has no statistics yet of
                   -- the rows that this transaction wrote
                   WITH link AS MATERIALIZED (
                           SELECT value.id, goal.id AS goal_id
                             FROM crm_kpi_goal AS goal JOIN crm_kpi_value AS value ON %(same)s
                            WHERE goal.active AND %(linked)s
                            UNION ALL
                           SELECT value.id, NULL
                             FROM crm_kpi_value AS value
                             JOIN crm_kpi_goal AS goal ON goal.id = value.goal_id
                            WHERE %(linked)s AND NOT EXISTS (
                                  SELECT 1 FROM crm_kpi_goal AS other
                                   WHERE other.active AND %(other)s))
                   UPDATE crm_kpi_value AS stored SET goal_id = link.goal_id FROM link
                    WHERE stored.id = link.id AND stored.goal_id IS DISTINCT FROM link.goal_id
                RETURNING 1""",
                same=same_cell("goal", "value", "level"),
                other=same_cell("other", "value", "level"),
                linked=linked,
            )
        )
        if rows:
            self.env["crm.kpi.value"].invalidate_model(["goal_id"], flush=False)
