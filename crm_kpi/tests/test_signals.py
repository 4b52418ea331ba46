# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signals: published examples, random series against plain rules, cards and charts."""

import doctest
import random
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger
from odoo.tools.misc import format_date

from odoo.addons.crm_kpi.engine import signals

from .common_board import BoardCase

#: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: flow rates of ten batches.
FLOW_RATES = (49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1)
#: D. C. Montgomery, Introduction to Statistical Quality Control: costs of processing a mortgage
#: loan in twenty weeks. Mean 300.5, mean moving range 7.79, limits 279.78 and 321.22.
LOAN_COSTS = (
    310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293, 306, 301, 304,
)  # fmt: skip
#: D. C. Montgomery, the same book: viscosity of 15 batches of aircraft primer paint. Mean 33.52,
#: mean moving range 0.48, limits 32.24 and 34.80.
VISCOSITY = (
    33.75, 33.05, 34.00, 33.81, 33.46, 34.02, 33.68, 33.27, 33.49, 33.20, 33.62, 33.00, 33.54, 33.12, 33.84,
)  # fmt: skip
#: D. J. Wheeler, Making Sense of Data: in-process inventory in 31 months. Mean 20.39, mean moving
#: range 4.7.
INVENTORY = (
    19, 27, 20, 16, 18, 25, 22, 24, 17, 25, 15, 17, 20, 22, 19, 16, 22, 19, 25, 22, 18, 20, 16, 17,
    20, 15, 27, 25, 17, 19, 28,
)  # fmt: skip
#: D. J. Wheeler, Understanding Variation: trade deficits of the USA by month, 1987 and 1988, in
#: billions. The mean of 1987 is 12.75; March and May 1988 are below its lower limit.
DEFICITS = (
    10.7, 13.0, 11.4, 11.5, 12.5, 14.1, 14.8, 14.1, 12.6, 16.0, 11.7, 10.6,
    10.0, 11.4, 7.9, 9.5, 8.0, 11.8, 10.5, 11.2, 9.2, 10.1, 10.4, 10.5,
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
        paint = signals.limits(VISCOSITY)
        self.assertAlmostEqual(paint.mean, 33.52, 2)
        self.assertAlmostEqual(paint.low, 32.24, 2)
        self.assertAlmostEqual(paint.high, 34.80, 2)
        self.assertEqual(set(signals.find_signals(VISCOSITY)), {""})
        inventory = signals.limits(INVENTORY)
        self.assertAlmostEqual(inventory.mean, 20.39, 2)
        self.assertAlmostEqual(inventory.high, 20.39 + 2.66 * 4.7, 1)
        self.assertFalse([one for one in INVENTORY if not inventory.low < one < inventory.high])

    def test_published_shift(self):
        """Limits of 1987; a lower deficit in 1988, first outside of them in March, then in May."""
        usual = signals.usual_range(DEFICITS)
        self.assertAlmostEqual(usual.mean, 12.75, 2)
        found = signals.find_signals(DEFICITS)
        self.assertEqual(found[:14], [""] * 14)
        below = [index for index, rule in enumerate(found) if rule == "below"]
        self.assertEqual(below, [14, 16])
        self.assertTrue(all(rule in ("near_low", "long_low") for rule in found[17:]))

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

    def test_per_working_day(self):
        """Ten on each day are usual in a month of any length; nine on each of 23 days are not.

        Rates of 10, 10, 10.5, 9.5, 10, 10: mean 10, mean difference 2 / 5.
        """
        days = (20, 22, 20, 20, 23, 19)
        values = (200, 220, 210, 190, 230, 190)
        series = [signals.Observation(*pair) for pair in zip(values, days, strict=True)]
        usual = signals.learn(series)
        self.assertAlmostEqual(usual.at(23).mean, 230)
        self.assertAlmostEqual(usual.at(23).high, 23 * (10 + 2.66 * 0.4))
        self.assertAlmostEqual(usual.at(19).low, 19 * (10 - 2.66 * 0.4))
        self.assertEqual(set(signals.judge(series, usual)), {""})
        long_month = signals.Observation(8.9 * 23, 23)
        self.assertEqual(signals.judge([*series, long_month], usual, 1), ["below"])
        # the number of a month with fewer days would be usual
        self.assertTrue(min(values) < long_month.value < max(values))

    def test_seasons(self):
        """Two years of a business with a weak August; the third August is weaker than usual.

        Seasons are mean ratios to the year: (52 / 100 + 48 / 100) / 2 for the August.
        """
        first = [104, 108, 106, 108, 102, 110, 104, 52, 104, 102, 106, 94]
        second = [108, 104, 110, 104, 106, 106, 108, 48, 100, 106, 102, 98]
        self.assertEqual((sum(first), sum(second)), (1200, 1200))
        start = 2024 * 12
        series = [
            signals.Observation(value, 1, start + index)
            for index, value in enumerate([*first, *second, *first[:7], 35])
        ]
        usual = signals.learn(series, 12)
        self.assertAlmostEqual(usual.seasons[7], 0.5)
        self.assertAlmostEqual(usual.at(1, start + 31).mean, 50)
        # mean difference of the two values of a season, each divided by its factor
        ranges = [abs(a - b) / ((a + b) / 200) for a, b in zip(first, second, strict=True)]
        reach = 2.66 * 1.5**0.5 * sum(ranges) / 12
        self.assertAlmostEqual(usual.limits.high, 100 + reach, 3)
        found = signals.judge(series, usual)
        self.assertEqual(found[31], "below")
        self.assertNotIn("below", found[:31])
        # without seasons, each August is far below, and none of them tells anything
        plain = signals.find_signals([one.value for one in series])
        self.assertEqual([plain[index] for index in (7, 19, 31)], ["below"] * 3)

    def test_no_seasons(self):
        """Values without a season, a gap in the two years, or less than two years."""
        series = [signals.Observation(100 + index % 5, 1, index) for index in range(30)]
        self.assertFalse(signals.learn(series, 12).seasons)
        seasonal = [
            signals.Observation(50 if index % 12 == 7 else 100, 1, index) for index in range(24)
        ]
        self.assertTrue(signals.learn(seasonal, 12).seasons)
        self.assertFalse(signals.learn(seasonal[:-1], 12).seasons)
        self.assertFalse(signals.learn([*seasonal[:5], *seasonal[6:]], 12).seasons)
        # the first value may be of any month
        shifted = signals.learn([one._replace(ordinal=one.ordinal + 5) for one in seasonal], 12)
        self.assertEqual(min(range(12), key=lambda month: shifted.seasons[month]), 0)

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

    @staticmethod
    def days(month):
        """The days from Monday to Friday of a month."""
        count = (month.date_to - month.date_from).days
        days = (month.date_from + timedelta(days=number) for number in range(count))
        return sum(day.weekday() < 5 for day in days)

    def store(self, kpi, values, level="company", **owner):
        """Set the values of the closed months of a KPI, the last one March 2026.

        :param values: per 20 working days
        """
        months = self.period("month", "2026-03-01")
        while len(months) < len(values):
            months += months[-1:]._previous()[months[-1:]]
        for month, value in zip(months, reversed(values), strict=True):
            row = {
                "kpi_id": kpi.id, "period_id": month.id, "company_id": self.company.id,
                "level": level, "value": value * self.days(month) / 20, "record_count": 50,
                "version": kpi.version, **owner,
            }  # fmt: skip
            found = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id", "=", kpi.id),
                    ("period_id", "=", month.id),
                    ("level", "=", level),
                    *((name, "=", owner.get(name, False)) for name in ("team_id", "user_id")),
                ]
            )
            if found:
                self.env.cr.execute(
                    "UPDATE crm_kpi_value SET value = %s, record_count = 50 WHERE id = %s",
                    [row["value"], found.id],
                )
            else:
                self.env.cr.execute(
                    """INSERT INTO crm_kpi_value (kpi_id, period_id, company_id, level, value,
                                                  record_count, version, team_id, user_id)
                       VALUES (%(kpi_id)s, %(period_id)s, %(company_id)s, %(level)s, %(value)s,
                               %(record_count)s, %(version)s, %(team_id)s, %(user_id)s)""",
                    {"team_id": None, "user_id": None, **row},
                )
        self.env.invalidate_all()
        return months

    def signal(self, kpi, user=None, **filters):
        return self.card(kpi, user, **{"scope": "company", **filters})["signal"]

    def trend(self, kpi, user=None, **filters):
        return self.ask("get_detail", kpi, user, filters={"scope": "company", **filters})["trend"]

    def test_card_and_chart(self):
        """A low month is a flag on the card and a mark in the chart."""
        march = self.store(self.leads, LOW_MARCH)[:1]
        self.assertEqual(
            self.signal(self.leads),
            {
                "rule": "below",
                "text": "Below the usual range: March 2026",
                "trend": "worse",
                "period_id": march.id,
                "dismissed": "",
            },
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
        points = self.trend(self.leads)["points"]
        marked = {point["label"]: point["signal"] for point in points if point["signal"]}
        self.assertEqual(marked, {"March 2026": "Below the usual range"})
        # March is not the latest complete month of a board that shows February
        february = {"period_kind": "month", "date": "2026-02-01"}
        self.assertIsNone(self.signal(self.leads, **february))

    def test_working_days(self):
        """A short month is no signal of a count: it is compared per working day."""
        self.store(self.leads, [30, 31] * 6)
        self.assertIsNone(self.signal(self.leads))
        february, march = self.period("month", "2026-02-01"), self.period("month", "2026-03-01")
        self.assertEqual((self.days(february), self.days(march)), (20, 22))
        high = 30.5 + 2.66
        points = {point["date"]: point for point in self.trend(self.leads)["points"]}
        self.assertAlmostEqual(points["2026-02-01"]["usual_high"], high)
        self.assertAlmostEqual(points["2026-03-01"]["usual_high"], high * 22 / 20)
        self.assertAlmostEqual(points["2026-03-01"]["usual_low"], (30.5 - 2.66) * 22 / 20)
        # a week of holidays: 17 of the 22 days of March remain, and 26 are usual for them
        self.store(self.leads, [*[30, 31] * 5, 30, 26 * 20 / 22])
        self.assertEqual(self.signal(self.leads)["rule"], "below")
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holidays",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": "2026-03-08 22:00:00",
                "date_to": "2026-03-13 23:00:00",
            }
        )
        self.assertIsNone(self.signal(self.leads))

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
        trend = self.trend(self.leads)
        # April has 22 working days
        mean = (20 + 22 + 20 + 22 + 20) / 5
        self.assertAlmostEqual(trend["points"][-1]["usual_mean"], mean * 22 / 20)
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
        self.assertIsNone(self.signal(self.leads, self.ann))

    # --- LISTS ---

    def values(self, user, period, **cell):
        domain = [("kpi_id", "=", self.leads.id), ("period_id", "=", period.id)]
        domain += [(name, "=", value) for name, value in cell.items()]
        return self.env["crm.kpi.value"].with_user(user).search(domain)

    def test_lists(self):
        """Values and goals say what the card of the same cell says; each reader sees the own ones."""
        text = "Below the usual range: March 2026"
        cells = {
            "company": {},
            "team": {"team_id": self.north.id},
            "user": {"user_id": self.ann.id},
        }
        for level, owner in cells.items():
            self.store(self.leads, LOW_MARCH, level, **owner)
        april, march = self.period("month", "2026-04-01"), self.period("month", "2026-03-01")
        february = self.period("month", "2026-02-01")
        for level, owner in cells.items():
            with self.subTest(level=level):
                for period, expected in ((april, text), (march, text), (february, False)):
                    value = self.values(self.mia, period, level=level, **owner)
                    self.assertEqual(value.mapped("signal_text"), [expected])
                goal = self.env["crm.kpi.goal"].create(
                    {"kpi_id": self.leads.id, "period_id": april.id, "scope": level, "target": 5}
                    | owner
                )
                self.assertEqual(goal.with_user(self.mia).signal_text, text)
        self.assertEqual(self.signal(self.leads, scope="mine", user=self.ann)["text"], text)
        self.assertEqual(self.values(self.ann, april, level="user").mapped("signal_text"), [text])
        self.assertFalse(self.values(self.bob, april, user_id=self.ann.id))
        # what is not over yet has no signal
        may = self.period("month", "2026-05-01")
        goal = self.env["crm.kpi.goal"].create(
            {"kpi_id": self.leads.id, "period_id": may.id, "target": 5}
        )
        self.assertFalse(goal.signal_text)

    def test_scorecard_and_workbook(self):
        """Flags in the cells of the scorecard: the total, and the salesperson."""
        self.store(self.leads, LOW_MARCH)
        self.store(self.leads, LOW_MARCH, "user", user_id=self.ann.id)
        boards = self.boards.with_user(self.mia).with_company(self.company)
        table = boards.get_scorecard(self.board.id, {"scope": "company"}, {"rows": "user"})
        index = [column["id"] for column in table["columns"]].index(self.leads.id)
        found = {
            row["name"]: row["cells"][index]["signal_text"]
            for row in [table["total"], *table["rows"]]
        }
        text = "Below the usual range: March 2026"
        flagged = {name for name, signal in found.items() if signal == text}
        self.assertEqual(flagged, {table["total"]["name"], self.ann.name})
        self.assertEqual(set(found.values()), {text, ""})

    def test_queries_of_a_list(self):
        """The number of queries does not depend on the number of rows."""
        self.store(self.leads, LOW_MARCH)
        for user in (self.ann, self.bob, self.cid):
            self.store(self.leads, LOW_MARCH, "user", user_id=user.id)
        counts = []
        march = self.period("month", "2026-03-01")
        for rows in (self.values(self.mia, march, level="company"), self.values(self.mia, march)):
            for _time in range(2):  # the first time fills the caches
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                rows.mapped("signal_text")
                count = self.env.cr.sql_log_count - before
            counts.append(count)
        self.assertGreater(len(rows), 3)
        self.assertEqual(counts[0], counts[1])

    # --- DISMISSED ---

    def dismiss(self, user=None, **values):
        return (
            self.env["crm.kpi.dismissal"]
            .with_user(user or self.mia)
            .create(
                {
                    "name": "Trade fair",
                    "kpi_id": self.leads.id,
                    "period_id": self.period("month", "2026-03-01").id,
                    "level": "company",
                    "rule": "below",
                    **values,
                }
            )
        )

    def test_dismiss(self):
        """Who, when and why are shown; only the same point and rule is no warning sign any more."""
        self.store(self.leads, LOW_MARCH)
        march = self.period("month", "2026-03-01")
        # of another rule, cell or period
        for values in (
            {"rule": "falling"},
            {"level": "team", "team_id": self.north.id},
            {"period_id": self.period("month", "2026-02-01").id},
        ):
            self.dismiss(**values)
            self.assertTrue(self.signal(self.leads))
        note = self.dismiss()
        self.assertIsNone(self.signal(self.leads))
        day = format_date(self.env, fields.Datetime.context_timestamp(note, note.create_date))
        why = f"Dismissed by {self.mia.name} on {day}: Trade fair"
        trend = self.trend(self.leads, self.ann)
        self.assertEqual([point["signal"] for point in trend["points"]][-2:], ["", ""])
        self.assertEqual(
            [(one["date"], one["text"], one["dismissal_id"]) for one in trend["dismissed"]],
            [("2026-03-01", f"Below the usual range. {why}", note.id)],
        )
        [value] = self.values(self.mia, march, level="company")
        self.assertEqual(value.signal_text, f"Below the usual range: March 2026. {why}")
        # what is unusual by another rule is a warning sign again
        self.store(self.leads, [30, 34, 30, 34, 30, 34, 30, 34, 30, 20, 20, 20])
        self.assertEqual(self.signal(self.leads)["rule"], "near_low")
        note.unlink()
        self.store(self.leads, LOW_MARCH)
        self.assertEqual(self.signal(self.leads)["rule"], "below")

    def test_who_dismisses(self):
        """Managers; a second time, and a change of what was said, are refused."""
        self.store(self.leads, LOW_MARCH)
        detail = self.ask("get_detail", self.leads, filters={"scope": "company"})
        self.assertTrue(detail["can_dismiss"])
        self.assertEqual(detail["cell"]["level"], "company")
        self.assertFalse(self.ask("get_detail", self.leads, self.ann)["can_dismiss"])
        with self.assertRaises(AccessError):
            self.dismiss(self.ann, level="user", user_id=self.ann.id)
        note = self.dismiss()
        self.assertEqual(note.create_uid, self.mia)
        with self.assertRaises(AccessError):
            note.name = "Another reason"
        with self.assertRaises(AccessError):
            note.with_user(self.ann).unlink()
        with self.assertRaises(AccessError):
            note.with_user(self.ann).read(["name"])
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.dismiss()
