# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rebuild of a few KPIs, against a statement written by hand for the same values."""

from functools import partial

from odoo import fields
from odoo.tools import SQL

from odoo.addons.crm_kpi.refresh.aggregates import Aggregates

from .by_hand import STATEMENTS, TABLE

ROUNDS = 2


def measure_rebuild(env, meter):
    """Time of both ways, the better one of some rounds; both must give the same values."""
    for by_hand in STATEMENTS:
        rebuild = Rebuild(env, meter, by_hand.source, by_hand.kpis)
        rebuild.best(f"rebuild.{by_hand.source}", rebuild.run)
        rebuild.best(f"by_hand.{by_hand.source}", partial(rebuild.run_by_hand, by_hand.statement))
        cells, different = rebuild.compare()
        rebuild.undo()
        if different or not cells:
            raise ValueError(f"{by_hand.source}: {different} of {cells} values differ")
        meter.note(**{f"rebuild.{by_hand.source}.cells": cells})
    measure_growth(env, meter)


def measure_growth(env, meter):
    """The rebuild of one source with more and more of its KPIs, for the growth in KPIs."""
    source = env.ref("crm_kpi.crm_kpi_source_order")
    codes = sorted(
        kpi.code
        for kpi in env["crm.kpi"].search([("source_id", "=", source.id)])
        if kpi.state == "published" and not kpi._with_components() - kpi
    )
    counts = [count for count in (3, 6, 12, 24) if count <= len(codes)]
    for count in counts:
        rebuild = Rebuild(env, meter, "order", codes[:count])
        rebuild.best(f"kpis.{count}", rebuild.run)
        rebuild.undo()


class Rebuild:
    """KPIs of one source that are computed again in months, quarters and years.

    :param codes: of the KPIs
    """

    def __init__(self, env, meter, source, codes):
        self.env, self.meter = env, meter
        self.company = env.ref("base.main_company")
        kpis = env["crm.kpi"].with_company(self.company)
        self.source = env.ref(f"crm_kpi.crm_kpi_source_{source}")
        self.kpis = kpis._by_code(codes)
        self.kpis.cross_levels = False
        self.now = fields.Datetime.now()
        self.periods = env["crm.kpi.period"].search(
            [
                ("company_id", "=", self.company.id),
                ("kind", "in", ("month", "quarter", "year")),
                ("state", "!=", "future"),
            ]
        )

    def best(self, name, work):
        """Measure the work some times; the round with the least processor time counts."""
        rounds = []
        for _round in range(ROUNDS):
            self._forget()
            with self.meter.measure(name) as seconds:
                work()
            rounds.append(seconds)
        best = min(rounds, key=lambda seconds: seconds["cpu"])
        self.meter.note(**{f"{name}.{key}": round(value, 4) for key, value in best.items()})

    def run(self):
        Aggregates(self.source, self.company, self.now).refresh(self.periods, self.kpis)

    def run_by_hand(self, statement):
        self.env.cr.execute("DROP TABLE IF EXISTS by_hand")
        self.env.cr.execute(TABLE)
        self.env.cr.execute(
            statement,
            {
                "tz": self.company._kpi_tz(),
                "company": self.company.id,
                "until": max(self.periods.mapped("utc_to")),
                "now": self.now,
                "inactivity": self.company.kpi_inactivity_days,
            },
        )

    def _forget(self):
        """Values and what they were computed from, so that all is due; not measured."""
        self.env.cr.execute("DROP TABLE IF EXISTS by_hand")
        ids = self.kpis.ids
        self.env.cr.execute("DELETE FROM crm_kpi_value WHERE kpi_id = ANY(%s)", [ids])
        self.env["crm.kpi.computation"].search([("kpi_id", "in", ids)]).unlink()
        self.env.flush_all()

    def undo(self):
        """Roll all back. The statistics stay right for the next one, as they are in use."""
        self.env.cr.rollback()
        self.env.cr.execute("ANALYZE crm_kpi_value, crm_kpi_computation")
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def compare(self):
        """Number of values, and of those that differ; values of no records are left out.

        Call it after the statement by hand; the values are computed again for it.
        """
        self.run()
        self.env.cr.execute(
            SQL(
                """SELECT count(*), count(*) FILTER (
                          WHERE v.kpi_id IS NULL OR h.kpi_id IS NULL
                             OR v.record_count <> h.record_count OR abs(v.value - h.value) > 0.005)
                     FROM (SELECT * FROM crm_kpi_value
                            WHERE kpi_id = ANY(%s) AND period_id = ANY(%s) AND record_count > 0) v
                     FULL JOIN (SELECT * FROM by_hand WHERE record_count > 0) h
                       ON v.kpi_id = h.kpi_id AND v.period_id = h.period_id AND v.level = h.level
                      AND COALESCE(v.team_id, 0) = COALESCE(h.team_id, 0)
                      AND COALESCE(v.user_id, 0) = COALESCE(h.user_id, 0)
                      AND COALESCE(v.segment_id, 0) = COALESCE(h.segment_id, 0)""",
                self.kpis.ids,
                self.periods.ids,
            )
        )
        return self.env.cr.fetchone()
