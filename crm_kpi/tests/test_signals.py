# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signals: published examples, random series against plain rules, cards and charts."""

import doctest
import random

from odoo.tests import BaseCase, tagged

from odoo.addons.crm_kpi.engine import signals

from .common_board import BoardCase

#: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: flow rates of ten batches.
FLOW_RATES = (49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1)
#: D. C. Montgomery, Introduction to Statistical Quality Control: costs of processing a mortgage
#: loan in twenty weeks. Mean 300.5, mean moving range 7.79, limits 279.78 and 321.22.
LOAN_COSTS = (
    310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293, 306, 301, 304,
)  # fmt: skip
#: Values of April 2025 to March 2026. Limits: 30 ± 2.66 × 60 / 11, from 15.5.
LOW_MARCH = (30, 34, 30, 34, 30, 34, 30, 34, 30, 34, 30, 10)


class TestRules(BaseCase):
    def test_doctests(self):
        result = doctest.testmod(signals)
        self.assertGreater(result.attempted, 0)
        self.assertEqual(result.failed, 0)

    def test_published_examples(self):
        """Limits as published, and no signal: both processes are in control."""
        flow = signals.limits(FLOW_RATES)
        self.assertAlmostEqual(flow.mean, 50.81, 2)
        self.assertAlmostEqual(flow.high, 55.8041, 1)
        self.assertAlmostEqual(flow.low, 45.8159, 1)
        self.assertEqual(set(signals.find_signals(FLOW_RATES)), {""})
        cost = signals.limits(LOAN_COSTS)
        self.assertAlmostEqual(cost.mean, 300.5, 2)
        self.assertAlmostEqual(cost.low, 279.78, 1)
        self.assertAlmostEqual(cost.high, 321.22, 1)
        self.assertEqual(set(signals.find_signals(LOAN_COSTS)), {""})

    def test_each_rule(self):
        """After twelve values around 10, with limits of 10 ± 2.66 × 2 = 4.68 and 15.32."""
        steady = [9, 11] * 6
        for values, expected in (
            ([16], ["above"]),
            ([4], ["below"]),
            ([15, 10, 15, 15], ["", "", "", "near_high"]),
            ([5, 5, 10, 5], ["", "", "", "near_low"]),
            ([5, 5, 5, 10], ["", "", "near_low", ""]),
            ([10.5] * 8, ["", "", "", "", "", "", "long_high", "long_high"]),
            ([9.5] * 9, ["", "", "", "", "", "", "", "long_low", "long_low"]),
            ([9, 9.5, 9.8, 10.1, 10.4, 10.7], ["", "", "", "", "", "rising"]),
            ([10.9, 10.6, 10.2, 9.9, 9.6, 9.3], ["", "", "", "", "falling", "falling"]),
        ):
            with self.subTest(values=values):
                found = signals.find_signals([*steady, *values])
                self.assertEqual(found[:12], [""] * 12)
                self.assertEqual(found[12:], expected)

    def test_a_lasting_shift_stays_a_signal(self):
        """Later values do not widen the limits."""
        values = [9, 11] * 6 + [14, 15] * 6
        self.assertTrue(all(signals.find_signals(values)[15:]))

    def test_few_values(self):
        self.assertEqual(signals.find_signals([1, 2, 1, 90]), [""] * 4)
        self.assertEqual(signals.find_signals([1, 2, 1, 2, 9])[-1], "")
        self.assertEqual(signals.find_signals([]), [])

    def test_random_series(self):
        """The rules, written down again value by value."""
        generator = random.Random(15)
        seen = set()
        for _round in range(400):
            level = generator.uniform(-5, 50)
            values = [level + generator.gauss(0, 3) for _index in range(generator.randint(0, 24))]
            if generator.random() < 0.5:
                values = [value + index * generator.random() for index, value in enumerate(values)]
            found = signals.find_signals(values)
            expected = [self.expected(values, index) for index in range(len(values))]
            self.assertEqual(found, expected, values)
            seen.update(found)
        self.assertEqual(len(seen), 9)

    def expected(self, values, index):
        first = values[:12]
        if len(first) < 5:
            return ""
        mean = sum(first) / len(first)
        moves = [abs(first[i + 1] - first[i]) for i in range(len(first) - 1)]
        reach = 2.66 * sum(moves) / len(moves)
        value = values[index]
        if value > mean + reach:
            return "above"
        if value < mean - reach:
            return "below"

        def last(count):
            return values[index - count + 1 : index + 1] if index + 1 >= count else []

        if value > mean + reach / 2 and len([v for v in last(4) if v > mean + reach / 2]) >= 3:
            return "near_high"
        if len(last(8)) == 8 and min(last(8)) > mean:
            return "long_high"
        if value < mean - reach / 2 and len([v for v in last(4) if v < mean - reach / 2]) >= 3:
            return "near_low"
        if len(last(8)) == 8 and max(last(8)) < mean:
            return "long_low"
        six = last(6)
        if len(six) == 6 and six == sorted(set(six)):
            return "rising"
        if len(six) == 6 and six == sorted(set(six), reverse=True):
            return "falling"
        return ""


@tagged("post_install", "-at_install")
class TestSignalsOnBoards(BoardCase):
    """Months with values stored by hand."""

    def store(self, kpi, values, **columns):
        """Set the values of the closed months of a KPI, the last one March 2026."""
        months = self.period("month", "2026-03-01")
        while len(months) < len(values):
            months += months[-1:]._previous()[months[-1:]]
        for month, value in zip(months, reversed(values), strict=True):
            self.env.cr.execute(
                """UPDATE crm_kpi_value SET value = %s, record_count = 50
                    WHERE kpi_id = %s AND period_id = %s AND level = 'company'""",
                [value, kpi.id, month.id],
            )
            self.assertEqual(self.env.cr.rowcount, 1, month.name)
        self.env.invalidate_all()
        return months

    def signal(self, kpi, **filters):
        return self.card(kpi, **{"scope": "company", **filters})["signal"]

    def test_card_and_chart(self):
        """A low month is a flag on the card and a mark in the chart."""
        self.store(self.leads, LOW_MARCH)
        self.assertEqual(
            self.signal(self.leads),
            {"rule": "below", "text": "Below the usual range: March 2026", "trend": "worse"},
        )
        self.leads.direction = "decrease"
        self.assertEqual(self.signal(self.leads)["trend"], "better")
        # good news is told once, bad news until it is over
        self.store(self.leads, [*LOW_MARCH[1:], 9])
        self.assertIsNone(self.signal(self.leads))
        self.leads.direction = "increase"
        self.assertEqual(self.signal(self.leads)["rule"], "below")
        self.store(self.leads, LOW_MARCH)
        self.leads.direction = "maintain"
        self.assertEqual(self.signal(self.leads)["trend"], "other")
        trend = self.ask("get_detail", self.leads, filters={"scope": "company"})["trend"]
        marked = {point["label"]: point["signal"] for point in trend["points"] if point["signal"]}
        self.assertEqual(marked, {"March 2026": "Below the usual range"})
        # March is not the latest complete month of a board that shows February
        february = {"period_kind": "month", "date": "2026-02-01"}
        self.assertIsNone(self.signal(self.leads, **february))

    def test_new_usual_range(self):
        """An annotation that starts a new usual range ends the signals of what was before."""
        months = self.store(self.leads, [5, 7, 5, 7, 5, 7, 5, 20, 22, 20, 22, 20])
        self.assertEqual(
            self.signal(self.leads)["text"], "High in 3 of the last 4 periods: March 2026"
        )
        note = self.env["crm.kpi.annotation"].create(
            {"name": "New region", "date": months[4].date_from, "company_id": self.company.id}
        )
        self.assertEqual(self.signal(self.leads)["rule"], "near_high")
        note.resets_range = True
        self.assertIsNone(self.signal(self.leads))
        trend = self.ask("get_detail", self.leads, filters={"scope": "company"})["trend"]
        self.assertAlmostEqual(trend["mean"], (20 + 22 + 20 + 22 + 20) / 5)
        self.assertIn("starts a new usual range", trend["range_help"])
        note.kpi_id = self.amount
        self.assertEqual(self.signal(self.leads)["rule"], "near_high")

    def test_only_one_definition(self):
        """Values of an earlier definition are not compared."""
        self.store(self.leads, LOW_MARCH)
        march = self.period("month", "2026-03-01")
        self.env.cr.execute(
            """UPDATE crm_kpi_value SET version = 2
                WHERE kpi_id = %s AND period_id = %s AND level = 'company'""",
            [self.leads.id, march.id],
        )
        self.env.invalidate_all()
        self.assertIsNone(self.signal(self.leads))

    def test_few_records(self):
        """A rate of fewer records than it needs is no signal."""
        self.store(self.leads, LOW_MARCH)
        self.leads.min_sample = 51
        self.assertIsNone(self.signal(self.leads))

    def test_rights(self):
        """A salesperson sees no signal of values that only others may read."""
        self.leads.visibility = "own"
        self.store(self.leads, LOW_MARCH)
        card = self.card(self.leads, self.ann, scope="company")
        self.assertIsNone(card["signal"])
