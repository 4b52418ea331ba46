# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sources that look beyond the period: trailing windows, and cohorts of several bases."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ..refresh.fingerprints import fingerprints
from .common import KpiCommon

BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = datetime(2026, 12, 15, 10)


def midnight(day):
    local = datetime(day.year, day.month, day.day, tzinfo=BRUSSELS)
    return local.astimezone(timezone.utc).replace(tzinfo=None)


@tagged("post_install", "-at_install")
class TestTrailing(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trailing = cls.source.copy({"code": "test_trailing", "trailing_months": 12})

    def _windows(self, periods, months):
        """``period -> (since, until)``, in UTC, as the help text of the field defines it."""
        result = {}
        for period in periods:
            until = min(midnight(period.date_to), NOW)
            local = until.replace(tzinfo=timezone.utc).astimezone(BRUSSELS).date()
            result[period] = (midnight(local - relativedelta(months=months)), until)
        return result

    @freeze_time(NOW)
    def test_window(self):
        """Half-open local months back from the end of the period, or from now."""
        kpi = self.make_kpi("leads", source_id=self.trailing.id)
        inside = ["2025-11-30 23:00:00", "2026-11-30 22:59:59"]  # local midnights of 1 December
        outside = ["2025-11-30 22:59:59", "2026-11-30 23:00:00"]
        for at in inside + outside:
            self.make_lead(at)
        november = self.period("month", "2026-11-10")
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, november), 2)
        # current period: from local midnight of the same day a year ago to now
        december = self.period("month", "2026-12-10")
        self.assertEqual(self.value(kpi, december), 2)
        self.make_lead("2025-12-14 22:59:59")
        self.make_lead("2025-12-14 23:00:00")
        self.make_lead("2026-12-15 10:00:00")
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, december), 3)
        # the window moves with time alone
        with freeze_time("2026-12-16 09:00:00"):
            self.kpis._refresh(kpis=kpi)
            self.assertEqual(self.value(kpi, december), 3)  # one left the window, one entered

    @freeze_time(NOW)
    def test_dates(self):
        source = self.trailing.copy({"code": "test_trailing_date", "date_field": "date_deadline"})
        kpi = self.make_kpi("due", source_id=source.id)
        for day in ("2025-11-30", "2025-12-01", "2026-11-30", "2026-12-01", "2026-12-15",
                    "2026-12-16"):  # fmt: skip
            self.make_lead("2026-01-10 12:00:00", date_deadline=day)
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, self.period("month", "2026-11-10")), 2)
        # a current period includes today, but not tomorrow
        self.assertEqual(self.value(kpi, self.period("month", "2026-12-10")), 3)

    @freeze_time(NOW)
    def test_against_brute_force(self):
        """Every kind of period and level, segments at the record's own day, drill-down."""
        kpis = {
            months: self.make_kpi(
                f"last_{months}",
                source_id=self.trailing.copy(
                    {"code": f"test_trailing_{months}", "trailing_months": months}
                ).id,
                aggregator="sum",
                value_field="expected_revenue",
                unit="money",
                cross_levels=True,
            )
            for months in (1, 3, 12)
        }
        segment_set = self.env.ref("crm_kpi.segment_set_industry")
        industry = self.env["res.partner.industry"].create({"name": "Ore"})
        customers = self.env["res.partner"].create(
            [{"name": "Miner", "industry_id": industry.id}, {"name": "Nobody"}]
        )
        segment_set._update_members()
        unknown = segment_set.unknown_segment_id
        ore = segment_set.segment_ids.filtered(lambda s: s.industry_id == industry)
        # the customer joined the segment in July 2026
        member = self.env["crm.kpi.segment.member"].search(
            [("partner_id", "=", customers[0].id), ("set_id", "=", segment_set.id)]
        )
        self.assertEqual(member.segment_id, ore)
        member.date_from = "2026-07-01"
        generator = random.Random(41)
        facts = []
        for _i in range(60):
            at = datetime(2025, 6, 1) + timedelta(seconds=generator.randint(0, 48_000_000))
            user = generator.choice([self.ann, self.bob, self.env["res.users"]])
            team = generator.choice([self.north, self.south])
            customer = generator.choice(customers)
            amount = generator.randint(1, 1000)
            lead = self.make_lead(
                at,
                user_id=user.id,
                team_id=team.id,
                partner_id=customer.id,
                expected_revenue=amount,
            )
            miner = customer == customers[0] and at >= datetime(2026, 6, 30, 22)
            facts.append((at, user.id, team.id, (ore if miner else unknown).id, amount, lead.id))
        periods = self.env["crm.kpi.period"].union(
            *(
                self.period(kind, day)
                for kind in ("day", "week", "month", "quarter", "year")
                for day in ("2026-03-31", "2026-10-25", "2026-11-10", "2026-12-15")
            )
        )
        everything = self.env["crm.kpi"].union(*kpis.values())
        self.kpis._refresh(periods=periods, kpis=everything)
        self.assertFalse(everything.filtered("last_error").mapped("last_error"))
        for months, kpi in kpis.items():
            for period, (since, until) in self._windows(periods, months).items():
                expected = defaultdict(lambda: [0.0, set()])
                for at, user, team, segment, amount, lead_id in facts:
                    if not since <= at < until:
                        continue
                    for key in (
                        ("company", False, False, False),
                        ("team", team, False, False),
                        ("user", False, user, False),
                        ("segment", False, False, segment),
                        ("team_segment", team, False, segment),
                        ("user_segment", False, user, segment),
                    ):
                        expected[key][0] += amount
                        expected[key][1].add(lead_id)
                cells = {
                    (c.level, c.team_id.id, c.user_id.id, c.segment_id.id): c
                    for c in self.cells(kpi, period)
                    if c.segment_id.set_id in (segment_set, segment_set.browse()) and c.record_count
                }
                self.assertEqual(set(cells), set(expected), (months, period.name))
                for key, (amount, ids) in expected.items():
                    self.assertAlmostEqual(cells[key].value, amount, 6, (months, period.name, key))
                    self.assertEqual(cells[key].record_count, len(ids))
                    if period.kind in ("month", "year"):
                        action = cells[key].action_open_records()
                        self.assertEqual(set(action["domain"][0][2]), ids)

    @freeze_time(NOW)
    def test_a_change_touches_the_windows_that_contain_it(self):
        kpi = self.make_kpi("leads", source_id=self.trailing.id)
        lead = self.make_lead("2026-02-10 12:00:00")
        self.make_lead("2024-01-10 12:00:00")
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.kpis._refresh(kpis=kpi), 0)
        periods = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "month"),
             ("state", "!=", "future")]
        )  # fmt: skip
        before = fingerprints(self.trailing, self.company, periods, NOW)
        self.backdate(lead)
        lead.user_id = self.ann
        self.env.flush_all()
        self.backdate(lead, create_date="2026-02-10 12:00:00")
        after = fingerprints(self.trailing, self.company, periods, NOW)
        changed = {p.name for p in periods if before.get(p.id) != after.get(p.id)}
        self.assertEqual(changed, {f"2026-{month:02d}" for month in range(2, 13)})

    @freeze_time(NOW)
    def test_maturity(self):
        kpi = self.make_kpi("mature", source_id=self.trailing.id, maturity_days=90)
        self.make_lead("2026-09-16 09:00:00")  # 90 days ago
        self.make_lead("2026-09-16 11:00:00")
        self.kpis._refresh(kpis=kpi)
        self.assertEqual(self.value(kpi, self.period("month", "2026-11-10")), 1)
        with freeze_time("2026-12-15 11:00:00"):
            self.kpis._refresh(kpis=kpi)
            self.assertEqual(self.value(kpi, self.period("month", "2026-11-10")), 2)

    @freeze_time(NOW)
    def test_trailing_value_is_not_a_running_total(self):
        """A count of the last twelve months does not begin at zero in each period."""
        growing = self.make_kpi("leads")
        trailing = self.make_kpi("trailing", source_id=self.trailing.id)
        self.make_lead("2026-11-10 12:00:00")
        self.make_lead("2026-12-10 12:00:00")
        december = self.period("month", "2026-12-10")
        goals = self.env["crm.kpi.goal"].create(
            [
                {"kpi_id": kpi.id, "period_id": december.id, "scope": "company", "target": 2}
                for kpi in (growing, trailing)
            ]
        )
        self.kpis._refresh(kpis=growing | trailing)
        self.assertEqual(goals.mapped("value"), [1, 2])
        self.assertGreater(goals[0].projected, 1)
        self.assertEqual(goals[1].projected, 2)

    def test_only_event_sources_have_a_window(self):
        for vals in ({"kind": "snapshot"}, {"date_end_field": "date_closed"}):
            with self.assertRaises(ValidationError):
                self.trailing.copy({"code": "test_wrong", **vals})
        with self.assertRaises(ValidationError):
            self.trailing.trailing_months = -1


@tagged("post_install", "-at_install")
class TestBaseSources(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dated = cls.source.copy({"code": "test_due", "date_field": "date_deadline"})
        cls.orders = cls.env.ref("crm_kpi.crm_kpi_source_order")
        cls.cohort = cls.env.ref("crm_kpi.crm_kpi_source_customer").copy({"code": "test_cohort"})

    def _fingerprints(self):
        self.env.flush_all()
        periods = self.env["crm.kpi.period"].union(
            *(self.period("month", f"2026-{month:02d}-10") for month in range(8, 13))
        )
        found = fingerprints(self.cohort, self.company, periods, NOW)
        return {period.name: found[period.id] for period in periods}

    @freeze_time(NOW)
    def test_events_of_all_bases(self):
        self.cohort.base_source_ids = [Command.set((self.source | self.dated | self.orders).ids)]
        lead = self.make_lead("2026-11-05 12:00:00")
        before = self._fingerprints()

        def touched():
            nonlocal before
            now, then = self._fingerprints(), before
            before = now
            return [name[-2:] for name in now if now[name] != then[name]]

        self.assertEqual(touched(), [])
        # local days: on 1 October there, still September in UTC
        self.backdate(self.make_lead("2026-09-30 22:30:00"), date_deadline=None)
        self.assertEqual(touched(), ["10", "11", "12"])
        self.backdate(lead, date_deadline="2026-10-01")
        self.assertEqual(touched(), ["10", "11", "12"])
        partner = self.env["res.partner"].create({"name": "Customer"})
        order = self.env["sale.order"].create(
            {"partner_id": partner.id, "company_id": self.company.id}
        )
        self.backdate(order, state="sale", date_order="2026-09-10 12:00:00")
        self.assertEqual(touched(), ["09", "10", "11", "12"])
        self.backdate(order, state="draft")
        self.assertEqual(touched(), ["09", "10", "11", "12"])
        # records of another company do not count, records without company may
        other = self.env["res.company"].create({"name": "Other"})
        self.make_lead("2026-09-10 12:00:00", company_id=other.id)
        self.assertEqual(touched(), [])
        self.make_lead("2026-12-10 12:00:00", company_id=False)
        self.assertEqual(touched(), ["12"])

    @freeze_time(NOW)
    def test_history_begins_with_the_first_event_of_a_base(self):
        self.cohort.base_source_ids = self.source
        kpi = self.make_kpi("customers", source_id=self.cohort.id)
        self.make_lead("2023-03-10 12:00:00")
        self.kpis.search([("id", "!=", kpi.id)]).action_draft()
        self.kpis.with_company(self.company)._refresh_periods(NOW)
        first = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "month")],
            order="date_from",
            limit=1,
        )
        self.assertEqual(first.date_from, date(2023, 3, 1))

    def test_another_base_is_a_new_definition(self):
        kpi = self.make_kpi("customers", source_id=self.cohort.id)
        self.cohort.base_source_ids |= self.source
        self.assertEqual(kpi.version, 2)

    def test_only_event_sources_are_bases(self):
        with self.assertRaises(ValidationError):
            self.cohort.base_source_ids = self.env.ref("crm_kpi.crm_kpi_source_lead_open")
