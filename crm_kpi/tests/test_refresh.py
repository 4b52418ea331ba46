# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from statistics import mean, median
from unittest.mock import patch
from zoneinfo import ZoneInfo

import psycopg2
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..refresh.aggregates import Aggregates
from ..refresh.fact_plan import FactPlan
from ..refresh.fingerprints import fingerprints, first_day
from ..refresh.formulas import FormulaKpi
from ..refresh.periods import first_day_of_history
from ..refresh.scope import kpis_to_refresh
from ..refresh.steps import CompanyRefresh, SourceStep
from .common import KpiCommon

BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = "2026-12-15 10:00:00"


def percentile(numbers, share):
    """Linear interpolation between the closest ranks, written out."""
    numbers = sorted(numbers)
    position = (len(numbers) - 1) * share
    low = int(position)
    high = min(low + 1, len(numbers) - 1)
    return numbers[low] + (numbers[high] - numbers[low]) * (position - low)


@tagged("post_install", "-at_install")
class TestRefresh(KpiCommon):
    @freeze_time(NOW)
    def test_month_is_local_and_half_open(self):
        """A month begins at the local midnight, also when the clock changes within it."""
        kpi = self.make_kpi("leads")
        self.make_lead("2026-09-30 22:30:00")  # 1 October 00:30 in Brussels
        self.make_lead("2026-10-15 12:00:00", active=False, probability=0)
        self.make_lead("2026-10-31 22:30:00")  # 23:30, winter time
        self.make_lead("2026-10-31 23:30:00")  # 1 November
        gone = self.make_lead("2026-10-20 12:00:00")
        gone.unlink()
        october = self.period("month", "2026-10-10")
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, october), 3)

    @freeze_time(NOW)
    def test_no_value_is_not_zero(self):
        """An average or a ratio without records has no value; a count is 0."""
        leads = self.make_kpi("leads")
        revenue = self.make_kpi(
            "avg", aggregator="avg", value_field="expected_revenue", unit="money"
        )
        rate = self.make_kpi(
            "rate", kind="formula", formula="test_leads / test_leads", unit="percent"
        )
        month = self.period("month", "2026-11-10")
        self.kpis._refresh(kpis=leads | revenue | rate)
        self.assertEqual(self.value(leads, month), 0)
        self.assertIsNone(self.value(revenue, month))
        self.assertIsNone(self.value(rate, month))
        [row] = self.env["crm.kpi.value"].search_read(
            [("kpi_id", "=", rate.id), ("period_id", "=", month.id)], ["value", "record_count"]
        )
        self.assertIs(row["value"], False)

    @freeze_time(NOW)
    def test_unassigned_is_kept_apart(self):
        """Records without a salesperson have their own row: rows add up to the total."""
        kpi = self.make_kpi("leads")
        self.make_lead("2026-11-05 12:00:00", user_id=self.ann.id, team_id=self.north.id)
        self.make_lead("2026-11-05 12:00:00")
        self.make_lead("2026-11-06 12:00:00", user_id=self.env.ref("base.user_root").id)
        month = self.period("month", "2026-11-10")
        self.kpis._refresh(kpis=kpi)
        users = {cell.user_id: cell.value for cell in self.cells(kpi, month, "user")}
        self.assertEqual(users, {self.ann: 1, self.env["res.users"]: 2})
        teams = {cell.team_id: cell.value for cell in self.cells(kpi, month, "team")}
        self.assertEqual(teams, {self.north: 1, self.env["crm.team"]: 2})
        self.assertEqual(self.value(kpi, month), 3)

    @freeze_time(NOW)
    def test_companies_are_separate(self):
        kpi = self.make_kpi("leads")
        other = self.env["res.company"].create({"name": "Other"})
        self.make_lead("2026-11-05 12:00:00")
        lead = self.env["crm.lead"].create({"name": "Other's", "company_id": other.id})
        self.backdate(lead, create_date="2026-11-05 12:00:00")
        self.period("month", "2026-11-10")
        self.kpis._refresh(kpis=kpi)
        for company, expected in ((self.company, 1), (other, 1)):
            [row] = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id", "=", kpi.id),
                    ("company_id", "=", company.id),
                    ("period_id.name", "=", "2026-11"),
                    ("level", "=", "company"),
                ]
            )
            self.assertEqual(row.value, expected)

    @freeze_time(NOW)
    def test_currency_of_the_records_day(self):
        """Money is converted at the rate of the record's own date, not at today's."""
        usd, eur = self.env.ref("base.USD"), self.env.ref("base.EUR")
        (usd | eur).active = True
        self.company.currency_id = eur
        self.env["res.currency.rate"].search([]).unlink()
        self.env["res.currency.rate"].create(
            [
                {"currency_id": usd.id, "name": day, "rate": rate, "company_id": False}
                for day, rate in (("2026-01-01", 1.25), ("2026-11-10", 2.0))
            ]
        )
        source = self.env["crm.kpi.source"].create(
            {
                "name": "Orders",
                "code": "test_orders",
                "model_id": self.env["ir.model"]._get_id("sale.order"),
                "date_field": "date_order",
            }
        )
        kpi = self.make_kpi(
            "amount",
            source_id=source.id,
            aggregator="sum",
            value_field="amount_untaxed",
            unit="money",
        )
        partner = self.env["res.partner"].create({"name": "Customer"})
        orders = self.env["sale.order"].create(
            [{"partner_id": partner.id, "company_id": self.company.id} for _i in range(3)]
        )
        for order, currency, day in zip(
            orders, (eur, usd, usd), ("2026-11-02", "2026-11-03", "2026-11-20"), strict=True
        ):
            self.backdate(
                order, amount_untaxed=100, currency_id=currency.id, date_order=f"{day} 12:00:00"
            )
        month = self.period("month", "2026-11-10")
        self.kpis._refresh(kpis=kpi)
        self.assertAlmostEqual(self.value(kpi, month), 100 + 100 / 1.25 + 100 / 2.0)

    # --- against brute force ---

    def _brute_force(self, facts, period):
        """Every cell of every level, computed one by one in Python.

        Salespeople and teams within segments have cells in periods of the last three months.
        """
        first = datetime.combine(period.date_from, datetime.min.time(), BRUSSELS)
        last = datetime.combine(period.date_to, datetime.min.time(), BRUSSELS)
        inside = [f for f in facts if first <= f["at"].replace(tzinfo=timezone.utc) < last]
        groups = defaultdict(list)
        groups["company", None, None, None] = []
        for fact in inside:
            user, team, segment = fact["user"], fact["team"], fact["segment"]
            groups["company", None, None, None].append(fact)
            groups["team", team, None, None].append(fact)
            groups["user", None, user, None].append(fact)
            groups["segment", None, None, segment].append(fact)
            if period.date_to > datetime(2026, 9, 15).date():
                groups["team_segment", team, None, segment].append(fact)
                groups["user_segment", None, user, segment].append(fact)
        cells = {}
        for key, rows in groups.items():
            big = [r["revenue"] for r in rows if r["revenue"] >= 50]
            amounts = [r["revenue"] for r in rows]
            customers = {r["customer"] for r in rows if r["customer"]}
            numbers = {
                "count": (len(rows), len(rows)),
                "big": (len(big), len(big)),
                "sum": (sum(amounts), len(rows)),
                "avg": (mean(amounts) if amounts else None, len(rows)),
                "min": (min(amounts) if amounts else None, len(rows)),
                "max": (max(amounts) if amounts else None, len(rows)),
                "median": (median(amounts) if amounts else None, len(rows)),
                "p90": (percentile(amounts, 0.9) if amounts else None, len(rows)),
                "customers": (len(customers), sum(1 for r in rows if r["customer"])),
                "share": (len(big) / len(rows) if rows else None, len(rows)),
                "spread": (max(amounts) - min(amounts) if amounts else None, len(rows)),
                "best": (
                    (max(amounts) if len(big) > 1 else min(amounts)) if amounts else None,
                    len(rows),
                ),
                "filled": (sum(amounts) + min(amounts, default=0), 2 * len(rows)),
            }
            if key[0] not in ("team_segment", "user_segment"):
                numbers["plain_count"] = numbers["count"]
                numbers["plain_median"] = numbers["median"]
            for code, number in numbers.items():
                cells[(code, *key)] = number
        return cells

    def _make_kpis(self):
        def money(aggregator):
            return {"aggregator": aggregator, "value_field": "expected_revenue", "unit": "money"}

        kpis = {
            "count": self.make_kpi("count", cross_levels=True),
            "big": self.make_kpi(
                "big", domain="[('expected_revenue', '>=', 50)]", cross_levels=True
            ),
            "customers": self.make_kpi(
                "customers", aggregator="count_distinct", value_field="@customer", cross_levels=True
            ),
        }
        for aggregator in ("sum", "avg", "min", "max", "median", "p90"):
            kpis[aggregator] = self.make_kpi(aggregator, cross_levels=True, **money(aggregator))
        kpis["plain_count"] = self.make_kpi("plain_count")
        kpis["plain_median"] = self.make_kpi("plain_median", **money("median"))
        formulas = {
            "share": ("test_big / test_count", "percent"),
            "spread": ("test_max - test_min", "money"),
            "best": ("if(test_big > 1, test_max, test_min)", "money"),
            "filled": ("test_sum + coalesce(test_min, 0)", "money"),
        }
        for code, (formula, unit) in formulas.items():
            kpis[code] = self.make_kpi(
                code, kind="formula", formula=formula, unit=unit, cross_levels=True
            )
        return kpis

    @freeze_time(NOW)
    def test_engine_equals_brute_force(self):
        """Random records: every level, every kind of period, every aggregate and formula."""
        industries = self.env["res.partner.industry"].create([{"name": "Ore"}, {"name": "Zinc"}])
        parents = self.env["res.partner"].create(
            [
                {"name": f"Customer {i}", "is_company": True, "industry_id": industry.id}
                for i, industry in enumerate(
                    [industries[0], industries[1], industries[0], industries.browse()]
                )
            ]
        )
        contacts = self.env["res.partner"].create(
            [{"name": f"Contact {p.name}", "parent_id": p.id} for p in parents]
        )
        segment_set = self.env.ref("crm_kpi.segment_set_industry")
        segment_set._update_members()
        unknown = segment_set.unknown_segment_id
        by_industry = {s.industry_id: s for s in segment_set.segment_ids if s.industry_id}
        kpis = self._make_kpis()
        everything = self.env["crm.kpi"].union(*kpis.values())
        self.company.kpi_crossed_months = 3
        days = ("2026-03-29", "2026-10-25", "2026-12-02", "2026-12-15")
        periods = self.env["crm.kpi.period"].union(
            *(
                self.period(kind, day)
                for kind in ("day", "week", "month", "quarter", "year")
                for day in days
            ),
            self.env["crm.kpi.period"].create(
                {"kind": "custom", "date_from": "2026-03-20", "date_to": "2026-11-03"}
            ),
        )
        users = [self.ann, self.bob, self.cid, self.env["res.users"]]
        teams = [self.north, self.south, self.env["crm.team"]]
        customers = [*contacts, *parents, self.env["res.partner"]]

        # around the two changes of clock, local midnights and the ends of all kinds
        edges = [
            datetime(2025, 12, 31, 23), datetime(2026, 3, 28, 23), datetime(2026, 3, 29, 22),
            datetime(2026, 9, 30, 22), datetime(2026, 10, 24, 22), datetime(2026, 10, 25, 23),
            datetime(2026, 11, 2, 23), datetime(2026, 11, 30, 23), datetime(2026, 12, 1, 23),
        ]  # fmt: skip
        instants = st.one_of(
            st.builds(
                lambda edge, seconds: edge + timedelta(seconds=seconds),
                st.sampled_from(edges),
                st.integers(-2, 2),
            ),
            st.datetimes(datetime(2025, 12, 20), datetime(2026, 12, 15, 9)),
        )
        records = st.lists(
            st.tuples(
                instants,
                st.sampled_from(users),
                st.sampled_from(teams),
                st.sampled_from(customers),
                st.integers(0, 12000),
            ),
            max_size=25,
        )

        @settings(
            max_examples=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=[Phase.generate],
        )
        @given(records)
        def check(drawn):
            # each example starts with empty tables, because locked periods keep their values
            savepoint = self.env.cr.savepoint()
            try:
                compare(drawn)
            finally:
                self.env.flush_all()
                savepoint.close(rollback=True)
                self.env.invalidate_all()

        def compare(drawn):
            facts = []
            for at, user, team, customer, cents in drawn:
                at = at.replace(microsecond=0)
                self.make_lead(
                    at,
                    user_id=user.id,
                    team_id=team.id,
                    partner_id=customer.id,
                    expected_revenue=cents / 100,
                )
                top = customer.commercial_partner_id
                facts.append(
                    {
                        "at": at,
                        "user": user.id or None,
                        "team": team.id or None,
                        "customer": top.id or None,
                        "segment": by_industry.get(top.industry_id, unknown).id,
                        "revenue": cents / 100,
                    }
                )
            self.kpis._refresh(periods=periods, kpis=everything)
            self.assertFalse(everything.filtered("last_error").mapped("last_error"))
            for period in periods:
                expected = self._brute_force(facts, period)
                stored = {
                    (
                        cell.kpi_id.code.removeprefix("test_"),
                        cell.level,
                        cell.team_id.id or None,
                        cell.user_id.id or None,
                        cell.segment_id.id or None,
                    ): (None if cell.value is False else cell.value, cell.record_count)
                    for cell in self.env["crm.kpi.value"].search(
                        [("period_id", "=", period.id), ("kpi_id", "in", everything.ids)]
                    )
                    if cell.segment_id.set_id in (segment_set, segment_set.browse())
                }
                for key, (value, record_count) in expected.items():
                    got = stored.pop(key, (None, 0))
                    self.assertEqual(got[1], record_count, (key, period.name))
                    if value is None:
                        self.assertIsNone(got[0], (key, period.name))
                    else:
                        self.assertAlmostEqual(got[0], value, 6, (key, period.name))
                # the remaining cells are zeros of people and teams without records
                for key, (value, record_count) in stored.items():
                    self.assertIn(value, (0, None), (key, period.name))
                    self.assertEqual(record_count, 0, (key, period.name))

        check()

    @freeze_time(NOW)
    def test_salespeople_within_segments_of_the_last_months(self):
        """Older periods have no such values, but where a goal needs them. Those that were locked
        stay; what is missing then is not zero for a formula."""
        customer = self.env["res.partner"].create({"name": "Mill"})
        count = self.make_kpi("count", cross_levels=True)
        growth = self.make_kpi(
            "growth",
            kind="formula",
            formula="test_count - last_year(test_count)",
            unit="count",
            cross_levels=True,
        )
        for day in ("2025-09-10", "2025-11-10", "2026-09-10", "2026-11-10", "2026-11-11"):
            self.make_lead(f"{day} 12:00:00", user_id=self.ann.id, partner_id=customer.id)
        months = {
            name: self.period("month", f"{name}-10")
            for name in ("2025-09", "2025-11", "2026-09", "2026-11")
        }
        self.env.ref("crm_kpi.segment_set_industry")._update_members()

        def of_ann(kpi):
            """Values of the salesperson within the segment of customers without an industry."""
            segment = self.env.ref("crm_kpi.segment_set_industry").unknown_segment_id
            found = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id", "=", kpi.id),
                    ("user_id", "=", self.ann.id),
                    ("segment_id", "=", segment.id),
                ]
            )
            by_period = {row.period_id: row.value for row in found}
            return [by_period.get(month) for month in months.values()]

        self.company.kpi_crossed_months = 2
        self.kpis._refresh(kpis=count | growth)
        self.assertEqual(of_ann(count), [None, None, None, 2])
        # a year before is not known at this level; it is not 0
        self.assertEqual(of_ann(growth), [None, None, None, False])
        self.company.kpi_crossed_months = 13
        self.kpis._refresh(kpis=count | growth)
        self.assertEqual(of_ann(count), [None, 1, 1, 2])
        self.assertEqual(of_ann(growth)[2:], [False, 1])
        # the locked month keeps its value; the running one is known again without the year before
        self.company.kpi_crossed_months = 2
        self.kpis._refresh(kpis=count | growth)
        self.assertEqual(months["2026-09"].state, "locked")
        self.assertEqual(of_ann(count), [None, 1, 1, 2])
        self.assertFalse(
            self.env["crm.kpi.restatement"].search([("kpi_id", "in", (count | growth).ids)])
        )
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": count.id,
                "period_id": months["2025-09"].id,
                "target": 5,
                "scope": "user_segment",
                "user_id": self.ann.id,
                "segment_id": self.env.ref("crm_kpi.segment_set_industry").unknown_segment_id.id,
            }
        )
        self.kpis._refresh(kpis=count | growth)
        self.assertEqual(of_ann(count), [1, 1, 1, 2])

    # --- only what changed ---

    @freeze_time(NOW)
    def test_unchanged_refresh_computes_nothing(self):
        kpi = self.make_kpi("leads")
        rate = self.make_kpi(
            "rate", kind="formula", formula="test_leads / test_leads", unit="percent"
        )
        leads = [self.make_lead(f"2026-{month:02d}-10 12:00:00") for month in range(1, 12)]
        self.period("month", "2026-11-10")
        self.assertGreater(self.kpis._refresh(kpis=kpi | rate), 0)
        self.assertEqual(self.kpis._refresh(kpis=kpi | rate), 0)
        stamps = {
            c.period_id.name: c.computed_at
            for c in self.env["crm.kpi.computation"].search([("kpi_id", "=", kpi.id)])
        }
        # a changed record touches its own periods only, a deleted and a moved one both ends
        with freeze_time("2026-12-15 10:20:00"):
            leads[10].user_id = self.ann
            self.backdate(leads[10])
            leads[9].unlink()
            self.backdate(leads[8], create_date="2026-08-15 12:00:00")
            self.kpis._refresh(kpis=kpi | rate)
        touched = {
            c.period_id.name
            for c in self.env["crm.kpi.computation"].search([("kpi_id", "=", kpi.id)])
            if c.computed_at != stamps[c.period_id.name]
            and c.period_id.company_id == self.company
            and c.period_id.kind == "month"
        }
        # months before October are locked: what changed there is a restatement, noted below
        self.assertEqual(touched, {"2026-11", "2026-10", "2026-09", "2026-08"})
        november = self.period("month", "2026-11-10")
        self.assertEqual(self.value(kpi, november, "user", user_id=self.ann), 1)

    def test_lock_computes_nothing(self):
        """A period that is locked, at the first refresh or by passing time, is not scanned again.

        While values may change, percentages depend on the minimum number of records, and
        filters with a relative date on the day. For locked periods neither matters.
        """
        self.company.kpi_min_cell = 5
        share = self.make_kpi("share", aggregator="avg", value_field="probability", unit="percent")
        moving = self.make_kpi("moving", domain="[('date_closed', '<=', 'now')]")
        rate = self.make_kpi(
            "rate", kind="formula", formula="test_share / test_moving", unit="percent"
        )
        for month in range(1, 12):
            self.make_lead(f"2026-{month:02d}-10 12:00:00", user_id=self.ann.id)
        kpis = share | moving | rate

        def computed(state):
            return {
                (c.kpi_id.code, c.period_id.name): c.computed_at
                for c in self.env["crm.kpi.computation"].search(
                    [
                        ("kpi_id", "in", kpis.ids),
                        ("period_id.kind", "=", "month"),
                        ("period_id.state", "=", state),
                        ("period_id.company_id", "=", self.company.id),
                    ]
                )
            }

        with freeze_time(NOW):
            self.kpis._refresh(kpis=kpis)
            first = computed("locked")
            self.assertTrue(len(first) >= 3 * 8)
        with freeze_time("2026-12-15 10:20:00"):
            self.kpis._refresh(kpis=kpis)
            self.assertEqual(computed("locked"), first)
        with freeze_time("2026-12-31 10:00:00"):
            self.kpis._refresh(kpis=kpis)
            october = self.period("month", "2026-10-10")
            self.assertEqual(october.state, "provisional")
            before = computed("provisional")
        with freeze_time("2027-01-05 10:00:00"):
            self.kpis._refresh(kpis=kpis)
            self.assertEqual(october.state, "locked")
            after = computed("locked")
            self.assertLessEqual(first.items(), after.items())
            for kpi in kpis:
                key = (kpi.code, "2026-10")
                self.assertEqual(after[key], before[key], kpi.code)
        # what happens to the records is still noticed
        with freeze_time("2027-01-06 10:00:00"):
            self.make_lead("2026-10-11 12:00:00", date_closed="2026-10-12 12:00:00")
            self.kpis._refresh(kpis=kpis)
            noted = self.env["crm.kpi.restatement"].search(
                [("period_id", "=", october.id), ("kpi_id", "=", moving.id)]
            )
            self.assertEqual(
                noted.filtered(lambda line: line.level == "company").mapped("value_now"), [1]
            )

    @freeze_time(NOW)
    def test_locked_value_stays_and_is_restated(self):
        """A locked value never changes; a later difference is noted as a restatement."""
        kpi = self.make_kpi("leads")
        self.make_lead("2026-05-10 12:00:00", user_id=self.ann.id)
        self.kpis._refresh(kpis=kpi)
        may = self.period("month", "2026-05-10")
        self.assertEqual(may.state, "locked")
        self.assertEqual(self.value(kpi, may), 1)
        late = self.make_lead("2026-05-20 12:00:00", user_id=self.bob.id)
        self.kpis._refresh(kpis=kpi)
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, may), 1)
        self.assertIsNone(self.value(kpi, may, "user", user_id=self.bob))
        lines = self.env["crm.kpi.restatement"].search([("period_id", "=", may.id)])
        company = lines.filtered(lambda line: line.level == "company")
        self.assertEqual((company.value_locked, company.value_now), (1, 2))
        self.assertEqual(company.reason, "late")
        bob = lines.filtered(lambda line: line.user_id == self.bob and line.level == "user")
        self.assertEqual((bob.value_locked, bob.value_now), (False, 1))
        late.unlink()
        self.kpis._refresh(kpis=kpi)
        newest = self.env["crm.kpi.restatement"].search(
            [("period_id", "=", may.id), ("level", "=", "company")], limit=1
        )
        self.assertEqual((newest.value_now, len(lines)), (1, len(lines)))
        # unlocked by hand, it follows the records again
        self.make_lead("2026-05-21 12:00:00")
        may.action_unlock()
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, may), 2)

    @freeze_time(NOW)
    def test_zero_in_place_of_no_value_is_not_a_restatement(self):
        """A late record of one KPI gives its salesperson a 0 in other KPIs: no restatement there."""
        every = self.make_kpi("every")
        large = self.make_kpi("large", domain="[('expected_revenue', '>', 100)]")
        double = self.make_kpi("double", kind="formula", formula="test_large * 2")
        self.make_lead("2026-05-10 12:00:00", user_id=self.ann.id, expected_revenue=500)
        kpis = every | large | double
        self.kpis._refresh(kpis=kpis)
        may = self.period("month", "2026-05-10")
        self.assertEqual(may.state, "locked")

        def lines(kpi):
            return self.env["crm.kpi.restatement"].search(
                [
                    ("period_id", "=", may.id),
                    ("kpi_id", "=", kpi.id),
                    ("user_id", "=", self.bob.id),
                ]
            )

        late = self.make_lead("2026-05-20 12:00:00", user_id=self.bob.id, expected_revenue=5)
        self.kpis._refresh(kpis=kpis)
        self.assertEqual(lines(every).mapped("value_now"), [1])
        self.assertFalse(lines(large) | lines(double))
        late.unlink()
        self.kpis._refresh(kpis=kpis)
        self.assertEqual(set(lines(every).mapped("value_now")), {1, False})
        self.assertFalse(lines(large) | lines(double))
        # from a value to 0 is a restatement, and is noted once
        mine = self.make_lead("2026-05-22 12:00:00", user_id=self.bob.id, expected_revenue=300)
        self.kpis._refresh(kpis=kpis)
        mine.expected_revenue = 3
        self.backdate(mine)
        self.kpis._refresh(kpis=kpis)
        mine.unlink()
        self.kpis._refresh(kpis=kpis)
        self.assertEqual(sorted(lines(large).mapped("value_now")), [0, 1])

    @freeze_time(NOW)
    def test_locked_period_takes_a_new_breakdown(self):
        """Crossed levels that are added later are neither missing nor a restatement."""
        kpi = self.make_kpi("leads")
        customer = self.env["res.partner"].create(
            {"name": "Customer", "country_id": self.env.ref("base.be").id}
        )
        self.make_lead("2026-05-10 12:00:00", user_id=self.ann.id, partner_id=customer.id)
        self.kpis._refresh(kpis=kpi)
        may = self.period("month", "2026-05-10")
        self.assertFalse(self.cells(kpi, may, "user_segment"))
        lines = [("period_id", "=", may.id)]
        for crossed in (True, False):
            kpi.cross_levels = crossed
            self.kpis._refresh(kpis=kpi)
            self.assertEqual(
                set(self.cells(kpi, may, "user_segment").mapped("value")), {1}, crossed
            )
            self.assertFalse(self.env["crm.kpi.restatement"].search(lines))
        self.make_lead("2026-05-20 12:00:00", user_id=self.bob.id, partner_id=customer.id)
        self.kpis._refresh(kpis=kpi)
        levels = self.env["crm.kpi.restatement"].search(lines).mapped("level")
        self.assertEqual(set(levels), {"company", "team", "user", "segment"} & set(levels))
        self.assertIn("segment", levels)

    @freeze_time(NOW)
    def test_fingerprint_of_a_snapshot_counts_what_is_open(self):
        source = self.source.copy(
            {
                "code": "test_open",
                "kind": "snapshot",
                "rebuildable": True,
                "date_end_field": "date_closed",
            }
        )
        generator = random.Random(5)
        for _i in range(20):
            lead = self.make_lead("2026-10-01 00:00:00")
            day = datetime(2026, 9, 1) + timedelta(hours=generator.randint(0, 2000))
            closed = day + timedelta(hours=generator.randint(-50, 900))
            self.backdate(lead, create_date=day, date_closed=generator.choice([closed, None]))
        kpi = self.make_kpi("open", source_id=source.id)
        self.kpis._refresh(kpis=kpi)
        periods = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("date_from", "<=", "2026-12-15")]
        )
        prints = fingerprints(source, self.company, periods, datetime(2026, 12, 15, 10))
        for period in periods:
            counted = int(prints[period.id].split(":")[0])
            self.assertEqual(counted, self.value(kpi, period), period.name)

    def test_snapshot_over_the_end_of_a_month(self):
        """A pipeline that cannot be rebuilt is never that of a day after the period."""
        source = self.source.copy({"code": "test_pipeline", "kind": "snapshot"})
        kpi = self.make_kpi("pipeline", source_id=source.id)
        with freeze_time("2026-02-25 10:00:00"):
            self.make_lead("2026-02-10 12:00:00")
            self.kpis._refresh(kpis=kpi)
        february = self.period("month", "2026-02-01")
        week = self.period("week", "2026-02-25")
        with freeze_time("2026-03-02 10:00:00"):
            self.make_lead("2026-03-01 12:00:00")
            self.kpis._refresh(kpis=kpi)
            self.assertEqual(self.value(kpi, february), 1)
            self.kpis._refresh(february | week, kpi)
            # a scheduled refresh that resumes after the step which updates the states
            february.state = week.state = "open"
            Aggregates(source, self.company, fields.Datetime.now()).refresh(february | week, kpi)
            self.assertEqual([self.value(kpi, period) for period in (february, week)], [1, 1])
            cell = self.cells(kpi, february, "company")
            self.assertEqual(
                cell.early_text,
                "As of 02/25/2026, because no refresh ran at the end of the period",
            )
            march = self.cells(kpi, self.period("month", "2026-03-02"), "company")
            self.assertEqual((march.value, march.early_text), (2, False))
        # 23:30 in Brussels on the last day, and 0:30 on the first day of April
        for now in ("2026-03-31 21:30:00", "2026-03-31 22:30:00"):
            with freeze_time(now):
                self.make_lead(now)
                self.kpis._refresh(kpis=kpi)
        with freeze_time("2026-04-02 10:00:00"):
            self.env.invalidate_all()
            self.assertEqual((march.value, march.early_text), (3, False))

    @freeze_time(NOW)
    def test_new_definition_leaves_locked_periods(self):
        kpi = self.make_kpi("leads")
        self.make_lead("2026-05-10 12:00:00", expected_revenue=10)
        self.make_lead("2026-11-10 12:00:00", expected_revenue=10)
        self.kpis._refresh(kpis=kpi)
        kpi.domain = "[('expected_revenue', '>', 50)]"
        self.assertEqual(kpi.version, 2)
        self.kpis._refresh(kpis=kpi)
        may, november = self.period("month", "2026-05-01"), self.period("month", "2026-11-01")
        self.assertEqual(self.value(kpi, may), 1)
        self.assertEqual(self.cells(kpi, may, "company").version, 1)
        self.assertEqual(self.value(kpi, november), 0)
        self.assertEqual(self.cells(kpi, november, "company").version, 2)
        lines = self.env["crm.kpi.restatement"].search([("period_id", "=", may.id)])
        company = lines.filtered(lambda line: line.level == "company")
        self.assertEqual((company.value_locked, company.value_now), (1, 0))
        self.assertEqual(set(lines.mapped("reason")), {"definition"})

    # --- formulas ---

    @freeze_time(NOW)
    def test_crossed_formula_takes_its_components_along(self):
        leads = self.make_kpi("leads")
        rate = self.make_kpi("twice", kind="formula", formula="test_leads * 2", cross_levels=True)
        partner = self.env["res.partner"].create(
            {"name": "Customer", "country_id": self.env.ref("base.be").id}
        )
        self.make_lead("2026-11-10 12:00:00", user_id=self.ann.id, partner_id=partner.id)
        self.kpis._refresh(kpis=rate)
        month = self.period("month", "2026-11-10")
        crossed = self.cells(rate, month, "user_segment")
        self.assertTrue(crossed)
        self.assertEqual(set(crossed.mapped("value")), {2})
        # a component is always computed at the levels of all formulas that use it
        self.kpis._refresh(kpis=leads)
        self.assertTrue(self.cells(leads, month, "user_segment"))

    @freeze_time(NOW)
    def test_component_never_computed_is_not_zero(self):
        """A count is 0 in periods in which it was computed; in others it is unknown."""
        won = self.make_kpi("won")
        closed = self.make_kpi("closed", complete_only=True, domain="[('type', '=', 'lead')]")
        rate = self.make_kpi(
            "rate", kind="formula", formula="test_won / (test_won + test_closed)", unit="percent"
        )
        growth = self.make_kpi("growth", kind="formula", formula="test_won - previous(test_won)")
        self.make_lead("2026-12-10 12:00:00", user_id=self.ann.id)
        self.make_lead("2026-11-10 12:00:00", user_id=self.bob.id)
        december, november = (self.period("month", f"2026-{m}-10") for m in ("12", "11"))
        self.kpis._refresh(kpis=won | closed | rate | growth)
        self.assertIsNone(self.value(rate, december))
        self.assertEqual(self.value(rate, november), 1)
        # a salesperson without records in the month before has a 0 there
        self.assertEqual(self.value(growth, december, "user", user_id=self.ann), 1)
        self.assertEqual(self.value(growth, december, "user", user_id=self.bob), -1)

    @freeze_time(NOW)
    def test_sums_of_several_periods(self):
        """The year so far and the last periods, of the company and of a salesperson."""
        leads = self.make_kpi("leads", cross_levels=True)
        year, three, share = (
            self.make_kpi(code, kind="formula", formula=formula, unit=unit, cross_levels=True)
            for code, formula, unit in (
                ("year", "to_date(test_leads)", "count"),
                ("three", "rolling(test_leads, 3)", "count"),
                ("share", "test_leads / rolling(test_leads, 3)", "percent"),
            )
        )
        kpis = leads | year | three | share
        partner = self.env["res.partner"].create(
            {"name": "Customer", "country_id": self.env.ref("base.be").id}
        )
        # per month of 2026, of Ann and of Bob
        numbers = [(1, 0), (0, 0), (2, 0), (0, 3), (0, 0), (1, 0), (0, 0), (0, 2), (0, 0), (1, 1),
                   (0, 1), (2, 0)]  # fmt: skip
        for month, pair in enumerate(numbers, start=1):
            for user, count in zip((self.ann, self.bob), pair, strict=True):
                for _i in range(count):
                    self.make_lead(
                        f"2026-{month:02}-10 12:00:00", user_id=user.id, partner_id=partner.id
                    )
        months = [self.period("month", f"2026-{month:02}-10") for month in range(1, 13)]
        quarters = [self.period("quarter", f"2026-{month:02}-10") for month in (1, 4, 7, 10)]
        november = self.period("month", "2025-11-10") | self.period("month", "2025-12-10")
        periods = november.union(*months, *quarters, self.period("year", "2026-05-05"))
        self.kpis._refresh(periods=periods, kpis=kpis)
        self.assertFalse(kpis.filtered("last_error").mapped("last_error"))
        for index, month in enumerate(months):
            for user, of in ((None, sum), (self.ann, lambda pair: pair[0])):
                per_month = [of(pair) for pair in numbers]
                recent = sum(per_month[max(index - 2, 0) : index + 1])
                level = {"level": "user", "user_id": user} if user else {}
                with self.subTest(month=month.name, user=user and user.name):
                    self.assertEqual(
                        self.value(year, month, **level) or 0, sum(per_month[: index + 1])
                    )
                    self.assertEqual(self.value(three, month, **level) or 0, recent)
                    if not user:
                        expected = per_month[index] / recent if recent else None
                        self.assertEqual(self.value(share, month), expected)
        [cell] = self.cells(three, months[9], "company")
        self.assertEqual(cell.record_count, 4)
        # quarters and years count as well; there is no year so far without its first month
        self.assertEqual(
            [self.value(year, quarter) for quarter in quarters], [3, 7, 9, sum(map(sum, numbers))]
        )
        self.assertEqual(self.value(year, self.period("year", "2026-05-05")), 14)
        self.assertIsNone(self.value(year, november[0]))
        self.assertIsNone(self.value(three, november[0]))
        # within segments, some of the periods can be missing
        for kpi in year | three | share:
            cells = self.cells(kpi, months[10]).filtered("segment_id")
            self.assertFalse([cell.value for cell in cells if cell.value is not False])
        # a change of one month is a change of all that add it
        self.assertEqual(self.kpis._refresh(periods=periods, kpis=kpis), 0)
        self.make_lead("2026-11-12 12:00:00", user_id=self.ann.id)
        self.kpis._refresh(periods=periods, kpis=kpis)
        self.assertEqual([self.value(three, months[i]) for i in (9, 10, 11)], [4, 4, 6])
        self.assertEqual([self.value(year, months[i]) for i in (9, 10, 11)], [11, 13, 15])

    @freeze_time(NOW)
    def test_year_so_far_is_the_fiscal_year(self):
        self.company.write({"fiscalyear_last_month": "3", "fiscalyear_last_day": 31})
        leads = self.make_kpi("leads")
        year = self.make_kpi("year", kind="formula", formula="to_date(test_leads)")
        months = [self.period("month", f"2026-{month:02}-10") for month in range(3, 8)]
        for month in months:
            self.make_lead(f"{month.date_from.replace(day=10)} 12:00:00")
        calendar_year = self.period("year", "2026-05-05")
        periods = calendar_year.union(*months)
        self.kpis._refresh(periods=periods, kpis=leads | year)
        # March ends a year of which the other months are not known
        self.assertEqual([self.value(year, month) for month in months], [None, 1, 2, 3, 4])
        # the calendar year is in two fiscal ones
        self.assertIsNone(self.value(year, calendar_year))

    @freeze_time(NOW)
    def test_only_counts_and_sums_are_added(self):
        leads = self.make_kpi("leads")
        mean = self.make_kpi("mean", name="Mean", aggregator="avg", value_field="color")
        self.make_kpi("double", name="Double", kind="formula", formula="test_leads * 2")
        for code, name in (("mean", "Mean"), ("double", "Double")):
            with (
                self.assertRaisesRegex(ValidationError, f"sum of records, which {name} is not"),
                self.env.cr.savepoint(),
            ):
                self.make_kpi("x", kind="formula", formula=f"rolling(test_{code}, 3)")
        total = self.make_kpi("total", kind="formula", formula="rolling(test_leads, 2)")
        leads.write({"aggregator": "avg", "value_field": "color"})
        self.kpis._refresh(kpis=leads | mean | total)
        self.assertIn("which leads is not", total.last_error)
        self.assertFalse(leads.last_error)

    @freeze_time(NOW)
    def test_settings_in_formulas(self):
        """A changed setting recomputes the formulas that use it, and restates locked values."""
        money = {"aggregator": "sum", "value_field": "expected_revenue", "unit": "money"}
        revenue = self.make_kpi("revenue", **money)
        margin, growth = (
            self.make_kpi(code, kind="formula", formula=formula, unit="money")
            for code, formula in (
                ("margin", "test_revenue * margin_rate"),
                ("worth", "test_revenue / (1 + annual_discount_rate)"),
            )
        )
        few = self.make_kpi(
            "few", kind="formula", formula="require(test_revenue, 300)", unit="money"
        )
        for month, amount in (("05", 220), ("11", 440)):
            self.make_lead(f"2026-{month}-10 12:00:00", expected_revenue=amount)
        kpis = revenue | margin | growth | few
        self.kpis._refresh(kpis=kpis)
        may, november = self.period("month", "2026-05-10"), self.period("month", "2026-11-10")
        self.assertEqual(self.value(margin, november), 440)
        self.assertAlmostEqual(self.value(growth, november), 400)
        self.assertEqual(self.value(few, november), 440)
        self.assertIsNone(self.value(few, may))
        self.assertEqual(self.kpis._refresh(kpis=kpis), 0)
        self.company.kpi_margin_rate = 0.25
        self.kpis._refresh(kpis=kpis)
        self.assertEqual(self.value(margin, november), 110)
        self.assertAlmostEqual(self.value(growth, november), 400)
        self.assertEqual(self.value(margin, may), 220)
        lines = self.env["crm.kpi.restatement"].search([("period_id", "=", may.id)])
        self.assertEqual(lines.kpi_id, margin)
        self.assertEqual(set(lines.mapped("value_now")), {55})
        self.assertEqual(self.kpis._refresh(kpis=kpis), 0)

    def test_settings_have_bounds(self):
        for name, wrong in (
            ("kpi_margin_rate", 0),
            ("kpi_margin_rate", 1.1),
            ("kpi_discount_rate", -0.1),
        ):
            with (
                self.assertRaises(IntegrityError),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.company.write({name: wrong})
                self.env.flush_all()

    # --- what makes a value due ---

    @freeze_time(NOW)
    def test_changed_source_is_a_new_definition(self):
        kpi = self.make_kpi("leads")
        self.make_lead("2026-11-10 12:00:00", user_id=self.ann.id)
        self.kpis._refresh(kpis=kpi)
        month = self.period("month", "2026-11-10")
        self.source.name = "Another name"
        self.assertEqual(kpi.version, 1)
        self.source.user_field = "create_uid"
        self.assertEqual(kpi.version, 2)
        self.kpis._refresh(kpis=kpi)
        self.assertIsNone(self.value(kpi, month, "user", user_id=self.ann))

    def test_what_falls_due_after_the_period(self):
        """Unanswered records count as missed once their target has elapsed."""
        kpi = self.make_kpi(
            "due", domain="[('date_closed', '!=', False), ('date_closed', '<=', 'now')]"
        )
        lead = self.make_lead("2026-11-30 20:00:00")
        self.backdate(lead, date_closed="2026-12-01 04:00:00")
        month = self.period("month", "2026-11-10")
        for now, expected in (("2026-12-01 00:30:00", 0), ("2026-12-02 00:30:00", 1)):
            with freeze_time(now):
                self.kpis._refresh(kpis=kpi)
                self.assertEqual(self.value(kpi, month), expected)

    @freeze_time(NOW)
    def test_history_begins_with_the_first_record_that_counts(self):
        """Also where a record that no source counts is older."""
        self.make_lead("2024-02-10 12:00:00")
        customer = self.env["res.partner"].create({"name": "Customer"})
        ignored = self.env["sale.order"].create(
            {"partner_id": customer.id, "date_order": "2023-05-05 12:00:00"}
        )
        ignored.flush_recordset()
        today = date(2026, 10, 10)
        sources = kpis_to_refresh(self.company).source_id
        sources |= sources.base_source_ids
        days = [first_day(source, self.company, date(2007, 1, 1)) for source in sources]
        self.assertEqual(
            first_day_of_history(self.company, today), min([today, *filter(None, days)])
        )

    @freeze_time(NOW)
    def test_history_ignores_dates_with_typing_errors(self):
        self.make_lead("1970-01-01 12:00:00")
        self.make_lead("2025-03-10 12:00:00")
        first = first_day(self.source, self.company, date(2007, 1, 1))
        self.assertEqual(first, date(2025, 3, 10))

    @freeze_time(NOW)
    def test_kpi_that_leaves_a_company(self):
        kpi = self.make_kpi("leads")
        self.make_lead("2026-05-10 12:00:00")
        self.make_lead("2026-12-10 12:00:00")
        self.kpis._refresh(kpis=kpi)
        kpi.company_id = self.env["res.company"].create({"name": "Other"})
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, self.period("month", "2026-05-10")), 1)
        self.assertFalse(self.cells(kpi, self.period("month", "2026-12-10")))

    @freeze_time(NOW)
    def test_error_is_cleared_after_a_success(self):
        kpi = self.make_kpi("leads")
        self.kpis._refresh(kpis=kpi)
        kpi.write({"last_error": "Out of order", "failure_count": 1})
        self.kpis._refresh(kpis=kpi)
        self.assertFalse(kpi.last_error)

    # --- failures ---

    @freeze_time(NOW)
    def test_one_failure_does_not_stop_other_kpis(self):
        good = self.make_kpi("good")
        broken = self.make_kpi("broken")
        worse = self.make_kpi(
            "worse", aggregator="sum", value_field="expected_revenue", unit="money"
        )
        formula = self.make_kpi("double", kind="formula", formula="test_good * 2")
        self.make_lead("2026-11-10 12:00:00", expected_revenue=1)
        # bypassing the checks on save, as after an app was uninstalled
        self.env.cr.execute(
            "UPDATE crm_kpi SET domain = %s WHERE id = %s", ["[('gone', '=', 1)]", broken.id]
        )
        self.env.cr.execute("UPDATE crm_kpi SET value_field = 'name' WHERE id = %s", [worse.id])
        self.env.invalidate_all()
        month = self.period("month", "2026-11-10")
        with self.assertLogs("odoo.addons.crm_kpi.refresh", "WARNING") as logs:
            self.kpis._refresh(kpis=good | broken | worse | formula)
        self.assertIn("test_broken", "".join(logs.output))
        self.assertEqual(self.value(good, month), 1)
        self.assertEqual(self.value(formula, month), 2)
        self.assertIn("gone", broken.last_error)
        self.assertTrue(worse.last_error)
        self.assertFalse(good.last_error)
        self.assertEqual(broken.failure_count, 1)
        # the KPI waits for its next retry, and is computed again once it is corrected
        self.assertNotIn(broken, kpis_to_refresh(self.company))
        broken.domain = "[]"
        self.assertIn(broken, kpis_to_refresh(self.company))
        self.kpis._refresh(kpis=broken)
        self.assertFalse(broken.last_error)
        self.assertEqual(self.value(broken, month), 1)

    @freeze_time(NOW)
    def test_value_beyond_the_range_of_numbers(self):
        """A formula that overflows, or one from before large numbers were refused."""
        good = self.make_kpi("good")
        huge = self.make_kpi("huge", kind="formula", formula="test_good * 1e300 * 1e300")
        old = self.make_kpi("old", kind="formula", formula="test_good * 2")
        self.make_lead("2026-11-10 12:00:00")
        self.env.cr.execute(
            "UPDATE crm_kpi SET formula = 'test_good * 1e400' WHERE id = %s", [old.id]
        )
        self.env.invalidate_all()
        month = self.period("month", "2026-11-10")
        with self.assertLogs("odoo.addons.crm_kpi.refresh", "WARNING"):
            self.kpis._refresh(kpis=good | huge | old)
        self.assertEqual(self.value(good, month), 1)
        self.assertFalse(good.last_error)
        self.assertIn("out of range", huge.last_error)
        self.assertIn("too large", old.last_error)
        self.assertFalse(self.cells(huge, month) | self.cells(old, month))

    @freeze_time(NOW)
    def test_programming_error_is_confined(self):
        """Any exception in one KPI is noted on it, with its traceback in the log."""
        good, broken = self.make_kpi("good"), self.make_kpi("broken")
        double, triple = (
            self.make_kpi(f"times_{n}", kind="formula", formula=f"test_good * {n}") for n in (2, 3)
        )
        self.make_lead("2026-11-10 12:00:00")
        month = self.period("month", "2026-11-10")
        condition, records = FactPlan.condition, FormulaKpi._records

        def condition_fails(plan, kpi, mature=True):
            return kpi.gone_field if kpi == broken else condition(plan, kpi, mature)

        def records_fail(formula, *args):
            return formula.gone if formula.kpi == double else records(formula, *args)

        with (
            patch.object(FactPlan, "condition", condition_fails),
            patch.object(FormulaKpi, "_records", records_fail),
            self.assertLogs("odoo.addons.crm_kpi.refresh", "ERROR") as logs,
        ):
            self.kpis._refresh(kpis=good | broken | double | triple)
        for kpi in (broken, double):
            self.assertIn("AttributeError", kpi.last_error)
            # one line per company
            lines = [line for line in logs.output if kpi.code in line]
            self.assertTrue(lines and all("Traceback" in line for line in lines))
            self.assertIsNone(self.value(kpi, month))
        self.assertEqual((self.value(good, month), self.value(triple, month)), (1, 3))
        self.assertFalse(good.last_error or triple.last_error)

    def test_back_off(self):
        """Each retry waits twice as long, at most a day; a success elsewhere does not reset it."""
        other = self.env["res.company"].create({"name": "Another", "sequence": 1})
        last = self.env["res.company"].create({"name": "Last", "sequence": 99})
        for company in (other, last):
            self.env["crm.lead"].create({"name": "Theirs", "company_id": company.id})
        broken = self.make_kpi("broken")
        lead = self.make_lead("2026-11-10 12:00:00", expected_revenue=1)
        mended = datetime(2026, 12, 20)
        now, waited = datetime(2026, 12, 15, 10), []
        with freeze_time(now):
            self.kpis._refresh(kpis=broken)
        self.assertFalse(broken.last_error)

        def fails(aggregates, *args):
            if aggregates.company == self.company:
                raise psycopg2.DataError("division by zero")
            return written(aggregates, *args)

        written = Aggregates._write
        with (
            patch.object(Aggregates, "_write", fails),
            mute_logger("odoo.addons.crm_kpi.refresh"),
        ):
            for _try in range(11):
                lead.name += "!"
                self.env["crm.lead"].search([("company_id", "!=", self.company.id)]).name = "New"
                self.backdate(self.env["crm.lead"].search([]))
                with freeze_time(now):
                    self._refresh_due()
                self.assertEqual(broken.failed_company_id, self.company)
                self.assertIn("division by zero", broken.last_error)
                waited.append((broken.next_try - now).total_seconds() / 60)
                # nothing happens before that time
                with freeze_time(broken.next_try - timedelta(seconds=1)):
                    self._refresh_due()
                    self.assertEqual(broken.failure_count, len(waited))
                now = broken.next_try
        self.assertEqual(waited, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440])
        with freeze_time(max(now, mended)):
            self._refresh_due()
        self.assertFalse(broken.last_error)
        self.assertEqual((broken.failure_count, broken.next_try), (0, False))

    def _refresh_due(self):
        """The step of a scheduled refresh for the test's source: only KPIs that are due."""
        now = fields.Datetime.now()
        for company in self.env["res.company"].search([]):
            refresh = CompanyRefresh(company.with_company(company).sudo(), None, None, now)
            for step in refresh.steps():
                # there is no step for the source of the test while its KPI waits
                if isinstance(step, SourceStep) and step.source == self.source:
                    step.run()

    # --- drill down ---

    @freeze_time(NOW)
    def test_records_behind_a_number(self):
        kpi = self.make_kpi("big", domain="[('expected_revenue', '>=', 50)]", cross_levels=True)
        generator = random.Random(7)
        leads = [
            self.make_lead(
                f"2026-11-{generator.randint(1, 28):02d} 12:00:00",
                user_id=generator.choice([self.ann, self.bob]).id,
                team_id=generator.choice([self.north, self.south]).id,
                expected_revenue=generator.randint(0, 100),
            )
            for _i in range(30)
        ]
        month = self.period("month", "2026-11-10")
        self.kpis._refresh(kpis=kpi)
        cells = self.cells(kpi, month)
        self.assertGreater(len(cells), 8)
        for cell in cells:
            action = cell.action_open_records()
            found = self.env["crm.lead"].with_context(**action["context"]).search(action["domain"])
            self.assertEqual(len(found), cell.record_count, cell.display_name)
            self.assertLessEqual(found, self.env["crm.lead"].union(*leads))
            for part in ("user_id", "team_id"):
                if part.removesuffix("_id") in cell.level:
                    self.assertEqual(found.mapped(part), cell[part])

    # --- sums without records ---

    @freeze_time(NOW)
    def test_sum_without_records_and_overheads(self):
        """An unknown sum is not 0, and overheads of the company have no row *Unassigned*."""
        overheads = self.source.copy({"code": "test_overheads", "unassigned": False})
        kpi = self.make_kpi(
            "spent",
            source_id=overheads.id,
            aggregator="sum_known",
            value_field="expected_revenue",
            unit="money",
            domain="[('type', '=', 'opportunity')]",
        )
        self.make_lead("2026-11-10 12:00:00", expected_revenue=100)
        self.make_lead("2026-11-11 12:00:00", expected_revenue=30, user_id=self.ann.id)
        self.make_lead("2026-10-11 12:00:00", type="lead", expected_revenue=10)
        month, before = (self.period("month", f"2026-{number}-10") for number in (11, 10))
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, month), 130)
        self.assertEqual(self.value(kpi, month, level="user", user_id=self.ann), 30)
        self.assertEqual(self.cells(kpi, month, "user").user_id, self.ann, "no other person")
        self.assertFalse(self.cells(kpi, month, "team"))
        self.assertIsNone(self.value(kpi, before), "a lead of another kind")
        self.assertIsNone(self.value(kpi, self.period("month", "2026-12-01")))
