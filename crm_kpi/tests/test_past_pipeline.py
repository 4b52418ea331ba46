# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The pipeline of past periods: what happens to a deal later does not change it."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta

from odoo.tests import tagged

from ..refresh.fingerprints import fingerprints
from .test_catalogue import CatalogueCase
from .test_lead_states import LeadStateCase

CODES = ("open_opportunities", "pipeline_value", "pipeline_weighted", "prospects_open")


@tagged("post_install", "-at_install")
class TestPastPipeline(CatalogueCase, LeadStateCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.kpi_tz = "UTC"

    def _months(self, *months):
        return [[self._read(code, month) for code in CODES] for month in months]

    def _by_user(self, month):
        return {
            user: value
            for user in (self.ann, self.bob)
            if (value := self._read("pipeline_value", month, level="user", user_id=user))
        }

    def _deals(self):
        """Of 1,000 and 2,000: one grows in February, the other is handed over, and lost in March."""
        with self.at("2026-01-10 09:00"):
            first = self._lead(expected_revenue=1000, probability=50)
            second = self._lead(expected_revenue=2000, probability=10, user_id=self.bob.id)
            self._lead(type="lead", expected_revenue=9000, probability=1)
        with self.at("2026-02-10 09:00"):
            first.expected_revenue = 1500
            second.user_id = self.ann
        with self.at("2026-03-05 09:00"):
            second.action_set_lost()
        return first, second

    def test_months_before_the_first_refresh(self):
        first, _second = self._deals()
        with self.at("2026-04-02 12:00"):
            self._refresh(*CODES)
            self.assertEqual(
                self._months("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"),
                [[2, 3000, 700, 3], [2, 3500, 950, 3], [1, 1500, 750, 2], [1, 1500, 750, 2]],
            )
            self.assertEqual(self._by_user("2026-01-01"), {self.ann: 1000, self.bob: 2000})
            self.assertEqual(self._by_user("2026-02-01"), {self.ann: 3500})
            january = self.env["crm.kpi.period"]._current("month", self.company, date(2026, 1, 1))
            kpi = self.env["crm.kpi"]._by_code(["pipeline_value"])
            cell = {"level": "user", "team_id": False, "user_id": self.ann.id, "segment_id": False}
            self.assertEqual(kpi.source_id._record_ids(kpi, january, cell), first.ids)

    def test_a_deleted_deal_stays_in_the_past(self):
        first, second = self._deals()
        with self.at("2026-03-20 09:00"):
            (first | second).unlink()
        with self.at("2026-04-02 12:00"):
            self._refresh(*CODES)
            self.assertEqual(
                self._months("2026-01-01", "2026-02-01", "2026-03-01"),
                [[2, 3000, 700, 3], [2, 3500, 950, 3], [0, 0, 0, 1]],
            )

    def test_only_what_is_known(self):
        """Installed on 10 March: amounts were tracked, probabilities were not."""
        self._deals()
        leads = self.env["crm.lead"].with_context(active_test=False)
        leads = leads.search([("company_id", "=", self.company.id)])
        with self.at("2026-03-10 09:00"):
            self._fill_again(leads)
        with self.at("2026-04-02 12:00"):
            self._refresh(*CODES)
            self.assertEqual(
                self._months("2026-01-01", "2026-02-01", "2026-03-01"),
                [[2, 3000, None, 3], [2, 3500, None, 3], [1, 1500, 750, 2]],
            )
            self.assertEqual(self._by_user("2026-01-01"), {self.ann: 1000, self.bob: 2000})
            weighted = self.env["crm.kpi"]._by_code(["pipeline_weighted"])
            board = self.env["crm.kpi.board"].with_company(self.company)
            detail = board.get_detail(weighted.id, {"date": "2026-02-01", "period_kind": "month"})
            self.assertEqual(
                detail["card"]["state_text"],
                "Known since Mar 10, 2026: Odoo keeps no earlier values",
            )

    def test_a_write_concerns_the_running_periods(self):
        """What a deal is today does not change the periods before: nothing is computed again."""
        first, _second = self._deals()
        source = self.env.ref("crm_kpi.crm_kpi_source_lead_open")
        with self.at("2026-04-02 12:00"):
            self._refresh(*CODES)
        periods = self.env["crm.kpi.period"].search([("company_id", "=", self.company.id)])
        now = datetime(2026, 4, 3, 12)

        def changed_by(hour, values):
            before = fingerprints(source, self.company, periods, now)
            with self.at(now.replace(hour=hour)):
                first.write(values)
            after = fingerprints(source, self.company, periods, now)
            return periods.filtered(lambda period: before[period.id] != after[period.id])

        running = periods.filtered(lambda period: period.utc_from <= now < period.utc_to)
        self.assertTrue(running)
        self.assertEqual(changed_by(10, {"referred": "Ann"}), running)
        self.assertEqual(changed_by(11, {"expected_revenue": 5}), running)

    def test_random_pipelines(self):
        """Month ends of random deals: a list of what was open is the oracle."""
        generator = random.Random(7)
        begin, moves = datetime(2026, 1, 1, 9), []
        for day in range(100):
            with self.at(begin + timedelta(days=day)):
                if generator.random() < 0.3:
                    lead = self._lead(
                        expected_revenue=generator.randint(1, 50) * 100,
                        user_id=generator.choice([self.ann, self.bob]).id,
                    )
                    moves.append([lead, [self._seen(lead, day)]])
                    continue
                if not moves:
                    continue
                lead, seen = generator.choice(moves)
                step = generator.choice(("grow", "hand over", "win", "lose", "restore"))
                if step == "grow":
                    lead.expected_revenue += 300
                elif step == "hand over":
                    lead.user_id = generator.choice([self.ann, self.bob])
                elif step == "win" and lead.active:
                    lead.action_set_won()
                elif step == "lose" and lead.won_status == "pending" and lead.active:
                    lead.action_set_lost()
                elif step == "restore" and not lead.active:
                    lead.action_restore()
                seen.append(self._seen(lead, day))
        with self.at("2026-05-02 12:00"):
            self._refresh(*CODES)
            for month, days in (("2026-01-01", 31), ("2026-02-01", 59), ("2026-03-01", 90)):
                expected = defaultdict(float)
                for _lead, seen in moves:
                    known = [values for day, *values in seen if day < days]
                    if known and known[-1][0]:
                        _is_open, user, amount = known[-1]
                        expected[user] += amount
                self.assertEqual(self._by_user(month), dict(expected), month)
                self.assertEqual(self._read("pipeline_value", month), sum(expected.values()), month)

    def _seen(self, lead, day):
        is_open = lead.active and lead.won_status == "pending"
        return (day, is_open, lead.user_id, lead.expected_revenue)
