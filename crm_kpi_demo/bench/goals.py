# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Goals of all salespeople on 20 KPIs, against the batch mode of Odoo's gamification."""

from datetime import timedelta

from odoo import fields

from odoo.addons.crm_kpi.refresh.aggregates import Aggregates

KPIS = 20


def measure_goals(env, meter):
    """Both count leads of the running month by salesperson; both must give the same values."""
    company = env.ref("base.main_company")
    people = env["res.users"].search([("login", "=like", "scale%")])
    now = fields.Datetime.now()
    month = env["crm.kpi.period"].search(
        [("company_id", "=", company.id), ("kind", "=", "month"), ("utc_from", "<=", now)],
        order="utc_from DESC",
        limit=1,
    )
    kpis, source = _kpis(env, company)
    _create_goals(env, kpis, month, people)
    goals = _gamification(env, month, people)
    env.flush_all()
    env.invalidate_all()
    with meter.measure("goal_values"):
        Aggregates(source, company, now).refresh(month, kpis)
    with meter.measure("goals"):
        env["crm.kpi.goal"]._refresh(company)
    env.invalidate_all()
    with meter.measure("gamification"):
        goals.update_goal()
    _compare(env, kpis[0], month, people)
    meter.note(**{"goals.number": len(goals)})
    env.cr.rollback()


def _kpis(env, company):
    template = env["crm.kpi"].with_company(company)._by_code(["deals_won"])
    kpis = template.browse()
    for number in range(KPIS):
        domain = f"[('expected_revenue', '>', {number})]"
        kpis |= template.copy({"code": f"speed_{number}", "domain": domain})
    source = template.source_id.copy(
        {"code": "speed", "date_field": "create_date", "domain": "[]", "user_field": "user_id"}
    )
    # gamification has no values of customers
    kpis.write({"source_id": source.id, "state": "published", "cross_levels": False})
    return kpis, source


def _create_goals(env, kpis, month, people):
    # as the goal wizard makes them: no messages are sent
    env["crm.kpi.goal"].with_context(tracking_disable=True).create(
        [
            {
                "kpi_id": kpi.id,
                "period_id": month.id,
                "scope": "user",
                "user_id": user.id,
                "target": 1000,
            }
            for kpi in kpis
            for user in people
        ]
    )


def _gamification(env, month, people):
    lead = env["ir.model"]._get("crm.lead")
    field = env["ir.model.fields"]._get
    definitions = env["gamification.goal.definition"].create(
        [
            {
                "name": f"Speed {number}",
                "computation_mode": "count",
                "model_id": lead.id,
                "domain": f"[('expected_revenue', '>', {number})]",
                "field_date_id": field("crm.lead", "create_date").id,
                "batch_mode": True,
                "batch_distinctive_field": field("crm.lead", "user_id").id,
                "batch_user_expression": "user.id",
            }
            for number in range(KPIS)
        ]
    )
    return env["gamification.goal"].create(
        [
            {
                "definition_id": definition.id,
                "user_id": user.id,
                "target_goal": 1000,
                "start_date": month.date_from,
                "end_date": month.date_to - timedelta(days=1),
                "state": "inprogress",
            }
            for definition in definitions
            for user in people
        ]
    )


def _compare(env, kpi, month, people):
    goals = env["crm.kpi.goal"].search([("kpi_id", "=", kpi.id)])
    leads = env["crm.lead"].with_context(active_test=False)
    expected = dict(
        leads._read_group(
            [
                ("create_date", ">=", month.utc_from),
                ("create_date", "<", month.utc_to),
                ("expected_revenue", ">", 0),
                ("user_id", "in", people.ids),
            ],
            ["user_id"],
            ["__count"],
        )
    )
    if {goal.user_id: goal.value for goal in goals} != {u: expected.get(u, 0) for u in people}:
        raise ValueError("goals differ from what gamification would count")
