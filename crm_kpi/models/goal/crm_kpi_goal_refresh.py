# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bringing goals up to date: values in one join, judged by the rules of the engine."""

from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...engine import pace
from ...engine.time_behaviour import time_behaviours
from .crm_kpi_goal import DEFAULT_KIND
from .crm_kpi_goal_cell import _computed, _same_cell

#: What is computed, in the order of the statement that writes it, with its SQL type.
COMPUTED = {
    "value": "float8",
    "record_count": "int4",
    "baseline": "float8",
    "target": "float8",
    "attainment": "float8",
    "expected": "float8",
    "projected": "float8",
    "status": "text",
}


class CrmKpiGoal(models.Model):
    _inherit = "crm.kpi.goal"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _refresh(self, company):
        """Bring value, attainment and status of the goals of a company up to date.

        Goals of periods that run or are provisional, of coming ones until their baseline is
        known, and of locked ones that were not settled before the lock. The number of
        statements does not depend on the number of goals.
        """
        now = fields.Datetime.now()
        self._bring_up_to_date(
            SQL(
                """g.company_id = %(company)s AND g.active AND CASE
                     WHEN p.state = 'locked' THEN g.value IS NULL
                          OR g.status NOT IN ('achieved', 'missed', 'too_few')
                     WHEN p.utc_from > %(now)s THEN g.as_of IS NULL
                          OR (g.kind = 'improve' AND g.baseline IS NULL)
                     ELSE TRUE END""",
                company=company.id,
                now=now,
            ),
            SQL("g.company_id = %s", company.id),
            now,
        )

    def _update(self, renew=()):
        """The same for these goals, at once.

        :param renew: ids of those whose baseline is to be found anew
        """
        if not self.ids:
            return
        self._bring_up_to_date(
            SQL("g.id = ANY(%s) AND g.active", self.ids),
            SQL("g.id = ANY(%s)", self.ids),
            fields.Datetime.now(),
            renew,
        )

    @api.model
    def _bring_up_to_date(self, which, linked, now, renew=()):
        """Compute goals, write those that changed, and link them with their values.

        :param SQL which: condition on goal ``g`` and period ``p``
        :param SQL linked: condition on goal ``g``: whose links with values to bring in order
        """
        self.env.flush_all()
        # superuser: a goal's value and status are computed, never typed
        model = self.sudo()
        rows = model._rows(which)
        for row in rows:
            if row["kind"] != "improve" or row["id"] in renew:
                row["baseline_found"] = None
            else:
                row["baseline_found"] = row["baseline"]
        model._find_baselines(rows, now)
        results = model._judge(rows, now)
        old = {row["id"]: row for row in rows}
        changed = {
            goal_id: result
            for goal_id, result in results.items()
            if old[goal_id]["as_of"] is None
            or any(old[goal_id][name] != result[name] for name in COMPUTED)
        }
        model._write_computed(changed, now)
        costs = model._write_costs({row["period_id"] for row in rows})
        model._link_values(linked)
        touched = model.browse([*changed, *costs])
        touched.invalidate_recordset(
            [*COMPUTED, "status_since", "as_of", "counter_missed"], flush=False
        )
        settled = [
            goal_id
            for goal_id, result in changed.items()
            if result["status"] in pace.FINAL
            and old[goal_id]["as_of"] is not None
            and old[goal_id]["status"] != result["status"]
        ]
        model.browse(settled)._log_settled()

    @api.model
    def _rows(self, which):
        """Goals with their stored value, as dicts; ``computed``: a missing value is known."""
        return self.env.execute_query_dict(
            SQL(
                """SELECT g.id, g.kpi_id, g.period_id, g.scope, g.kind, g.target, g.target_max,
                          g.improve_by, g.baseline_kind, g.baseline_count, g.baseline_fixed,
                          g.baseline, g.value, g.record_count, g.attainment, g.expected, g.projected,
                          g.status, g.as_of,
                          v.value AS new_value, COALESCE(v.record_count, 0) AS new_n,
                          v.id IS NOT NULL AS stored, %s AS computed
                     FROM crm_kpi_goal g
                     JOIN crm_kpi_period p ON p.id = g.period_id
                     JOIN crm_kpi k ON k.id = g.kpi_id
                     LEFT JOIN crm_kpi_value v ON %s
                     LEFT JOIN crm_kpi_computation c
                            ON c.kpi_id = g.kpi_id AND c.period_id = g.period_id
                    WHERE %s
                    ORDER BY g.id""",
                _computed("g.kpi_id", "g.period_id"),
                _same_cell("g", "v", "level"),
                which,
            )
        )

    @api.model
    def _judge(self, rows, now):
        """What is to be stored per goal: dict of id to dict of the computed fields."""
        kpis = self.env["crm.kpi"].browse({row["kpi_id"] for row in rows})
        periods = self.env["crm.kpi.period"].browse({row["period_id"] for row in rows})
        behaviours = time_behaviours(kpis)
        elapsed_by_maturity = {
            maturity: periods._elapsed(now - timedelta(days=maturity))
            for maturity in {behaviour.maturity for behaviour in behaviours.values()}
        }
        results = {}
        for row in rows:
            kpi, period = kpis.browse(row["kpi_id"]), periods.browse(row["period_id"])
            behaviour = behaviours[kpi]
            elapsed = elapsed_by_maturity[behaviour.maturity][period]
            if period.state == "locked":
                elapsed = replace(elapsed, over=True)  # it will not change any more
            value = row["new_value"]
            begun = now >= period.utc_from
            if not row["stored"] and begun and row["computed"] and kpi._zero_in(period):
                value = 0.0
            kind, target, baseline = row["kind"], row["target"], None
            if kind == "improve":
                baseline = row["baseline_found"]
                target = pace.improved(baseline, row["improve_by"], kpi.direction)
                kind = DEFAULT_KIND[kpi.direction]
            verdict = pace.judge(
                kind,
                target,
                row["target_max"],
                value,
                row["new_n"],
                elapsed,
                # a manual entry may stand for days to come: never projected to its harm
                additive=behaviour.additive and (kpi.kind != "manual" or kind == "at_least"),
                final_only=behaviour.final_only,
                maturing=bool(behaviour.maturity),
                min_sample=max(kpi.min_sample, kpi._least_cell(period.company_id))
                if "segment" in row["scope"]
                else kpi.min_sample,
            )
            results[row["id"]] = {
                "value": value,
                "record_count": row["new_n"],
                "baseline": baseline,
                "target": target,
                "attainment": verdict.attainment,
                "expected": verdict.expected,
                "projected": verdict.projected,
                "status": verdict.status,
            }
        return results

    @api.model
    def _write_computed(self, results, now):
        if not results:
            return
        columns = [
            SQL("%s::%s[]", [result[name] for result in results.values()], SQL(type_))
            for name, type_ in COMPUTED.items()
        ]
        names = [SQL.identifier(name) for name in COMPUTED]
        # write_date stays: formulas over targets recognise changed targets by it
        self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_goal g
                      SET %(sets)s, as_of = %(now)s,
                          write_date = CASE WHEN g.target IS DISTINCT FROM t.target
                                            THEN %(now)s ELSE g.write_date END,
                          status_since = CASE WHEN g.status = t.status AND g.as_of IS NOT NULL
                                              THEN g.status_since ELSE %(now)s END
                     FROM unnest(%(ids)s::int4[], %(columns)s) AS t(id, %(names)s)
                    WHERE g.id = t.id
                RETURNING 1""",
                sets=SQL(", ").join(SQL("%s = t.%s", name, name) for name in names),
                now=now,
                ids=list(results),
                columns=SQL(", ").join(columns),
                names=SQL(", ").join(names),
            )
        )

    @api.model
    def _write_costs(self, period_ids):
        """Note which kept goals stand beside a broken one for the counter-metric."""
        rows = self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_goal g SET counter_missed = s.cost
                     FROM (SELECT g.id,
                                  g.status IN ('achieved', 'on_track') AND EXISTS (
                                      SELECT 1 FROM crm_kpi_goal o
                                       WHERE o.active AND o.kpi_id = k.counter_kpi_id AND %s
                                         AND o.status IN ('off_track', 'missed')) AS cost
                             FROM crm_kpi_goal g JOIN crm_kpi k ON k.id = g.kpi_id
                            WHERE g.period_id = ANY(%s)) s
                    WHERE s.id = g.id AND g.counter_missed IS DISTINCT FROM s.cost
                RETURNING g.id""",
                _same_cell("g", "o", "scope", kpi=False),
                list(period_ids),
            )
        )
        return [goal_id for (goal_id,) in rows]

    @api.model
    def _link_values(self, linked):
        """Let each value know the active goal for its cell, and no other."""
        rows = self.env.execute_query(
            SQL(
                """-- materialized: looked up once, even where the planner knows nothing yet of
                   -- the rows that this very transaction has written
                   WITH s AS MATERIALIZED (
                           SELECT v.id, g.id AS goal_id
                             FROM crm_kpi_goal g JOIN crm_kpi_value v ON %(same)s
                            WHERE g.active AND %(linked)s
                            UNION ALL
                           SELECT v.id, NULL
                             FROM crm_kpi_value v JOIN crm_kpi_goal g ON g.id = v.goal_id
                            WHERE %(linked)s AND NOT EXISTS (
                                  SELECT 1 FROM crm_kpi_goal a WHERE a.active AND %(other)s))
                   UPDATE crm_kpi_value AS stored SET goal_id = s.goal_id FROM s
                    WHERE stored.id = s.id AND stored.goal_id IS DISTINCT FROM s.goal_id
                RETURNING 1""",
                same=_same_cell("g", "v", "level"),
                other=_same_cell("a", "v", "level"),
                linked=linked,
            )
        )
        if rows:
            self.env["crm.kpi.value"].invalidate_model(["goal_id"], flush=False)

    def _log_settled(self):
        """Note in the chatter of each goal that it is settled; nobody is notified."""
        if not self:
            return
        bodies = {
            goal.id: self.env._(
                "%(status)s: %(value)s, promised %(target)s",
                status=goal.status_text,
                value=goal.value_text,
                target=goal.target_text,
            )
            for goal in self
        }
        self._message_log_batch(bodies, author_id=self.env.ref("base.partner_root").id)
