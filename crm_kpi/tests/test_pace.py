# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import doctest
from datetime import date, timedelta

from odoo.tests import BaseCase, tagged

from ..engine import pace
from ..engine.formula import parse


def weekdays(first, last):
    """Monday to Friday, half-open."""
    days = (first + timedelta(days=i) for i in range((last - first).days))
    return [day for day in days if day.weekday() < 5]


NOV, DEC = date(2026, 11, 1), date(2026, 12, 1)
NOVEMBER = weekdays(NOV, DEC)  # 21 working days, the first is Monday the 2nd


def at(share, over=False):
    return pace.Elapsed(int(share * 20), 20, share, True, over)


@tagged("post_install", "-at_install")
class TestPace(BaseCase):
    def status(self, kind, target, value, part, target_max=None, record_count=100, **kwargs):
        return pace.judge(kind, target, target_max, value, record_count, part, **kwargs).status

    def test_doctests(self):
        self.assertFalse(doctest.testmod(pace).failed)

    # --- elapsed ---

    def test_elapsed_day_by_day(self):
        self.assertEqual(len(NOVEMBER), 21)
        # (today, working days over): Sunday 1st, Monday 2nd, Friday 20th, Saturday, Monday 30th
        for day, done in ((1, 0), (2, 0), (3, 1), (20, 14), (21, 15), (22, 15), (30, 20)):
            part = pace.elapsed(NOV, DEC, NOVEMBER, date(2026, 11, day))
            self.assertEqual((part.days, part.total), (done, 21), day)
            self.assertAlmostEqual(part.share, done / 21)
            self.assertTrue(part.begun)
            self.assertFalse(part.over)
        after = pace.elapsed(NOV, DEC, NOVEMBER, DEC)
        self.assertEqual((after.days, after.share, after.over), (21, 1.0, True))
        before = pace.elapsed(NOV, DEC, NOVEMBER, date(2026, 10, 31), 0.5)
        self.assertEqual((before.days, before.share, before.begun), (0, 0.0, False))

    def test_part_of_today(self):
        part = pace.elapsed(NOV, DEC, NOVEMBER, date(2026, 11, 3), 0.5)
        self.assertAlmostEqual(part.share, 1.5 / 21)
        # a Sunday has no part
        part = pace.elapsed(NOV, DEC, NOVEMBER, date(2026, 11, 8), 0.5)
        self.assertAlmostEqual(part.share, 5 / 21)

    def test_holidays_are_not_working_days(self):
        days = [day for day in NOVEMBER if day != date(2026, 11, 11)]
        part = pace.elapsed(NOV, DEC, days, date(2026, 11, 16))
        self.assertEqual((part.days, part.total), (9, 20))

    def test_period_without_working_days(self):
        part = pace.elapsed(date(2026, 11, 21), date(2026, 11, 23), NOVEMBER, date(2026, 11, 22))
        self.assertEqual((part.days, part.total, part.share), (1, 2, 0.5))

    def test_same_part_compares_equal_lengths(self):
        # 14 of 21 working days of November (until the 20th) with 14 of 22 of October
        october = weekdays(date(2026, 10, 1), NOV)
        self.assertEqual(len(october), 22)
        end = pace.same_part(october, 14)
        self.assertEqual(end, date(2026, 10, 21))
        self.assertEqual(sum(day < end for day in october), 14)
        # thirty days are compared with thirty days, not with twenty-nine
        thirty = [date(2026, 9, 1) + timedelta(days=i) for i in range(30)]
        self.assertEqual(pace.same_part(thirty, 30) - thirty[0], timedelta(days=30))
        self.assertEqual(pace.same_part(thirty, 99), date(2026, 10, 1))
        self.assertEqual(pace.same_part(thirty, 0), date(2026, 9, 1))
        self.assertIsNone(pace.same_part([], 3))

    # --- projection ---

    def test_projection(self):
        self.assertEqual(pace.project(30, at(0.5), True), 60)
        self.assertEqual(pace.project(30, at(0.5), False), 30)
        self.assertEqual(pace.project(30, at(1.0, over=True), True), 30)
        self.assertEqual(pace.project(0, at(0.5), True), 0)
        self.assertIsNone(pace.project(None, at(0.5), True))
        self.assertIsNone(pace.project(1, at(0.0), True))

    def test_what_lies_ahead_is_known(self):
        self.assertEqual(pace.project(1100, at(0.25), True, 1000), 1400)
        self.assertEqual(pace.project(1000, at(0.25), True, 1000), 1000)
        self.assertEqual(pace.project(-50, at(0.5), True, -100), 0)
        self.assertEqual(pace.project(1100, at(1.0, over=True), True, 1000), 1100)
        self.assertEqual(pace.project(0.5, at(0.25), False, 0.4), 0.5)
        verdict = pace.judge("at_least", 2000, None, 1100, 2, at(0.25), additive=True, ahead=1000)
        self.assertEqual((verdict.projected, verdict.status), (1400, "off_track"))

    def test_additive_formulas(self):
        sums = {"a", "b"}
        for text, expected in {
            "a + b": True,
            "a - 2 * b": True,
            "-a / 3": True,
            "a / b": False,
            "a * b": False,
            "a + c": False,
            "a + 1": False,
            "previous(a)": False,
            "max(a, b)": False,
            "a + days": False,
        }.items():
            self.assertIs(parse(text).is_additive(sums), expected, text)

    # --- attainment ---

    def test_attainment_at_least(self):
        self.assertEqual(pace.attainment("at_least", 3, 6), 0.5)
        self.assertEqual(pace.attainment("at_least", 9, 6), 1.5)
        self.assertEqual(pace.attainment("at_least", 0, 6), 0)
        self.assertIsNone(pace.attainment("at_least", 3, 0))
        self.assertIsNone(pace.attainment("at_least", None, 6))
        self.assertIsNone(pace.attainment("at_least", 3, None))

    def test_attainment_at_most_is_a_true_percentage(self):
        self.assertEqual(pace.attainment("at_most", 8, 4), 0.5)
        self.assertEqual(pace.attainment("at_most", 4, 4), 1)
        self.assertEqual(pace.attainment("at_most", 2, 4), 2)
        self.assertEqual(pace.attainment("at_most", 0, 4), 1)
        self.assertIsNone(pace.attainment("at_most", 2, 0))

    def test_attainment_range(self):
        for value, expected in ((40, 0.8), (50, 1), (55, 1), (60, 1), (66, 0.9), (180, 0)):
            self.assertAlmostEqual(pace.attainment("range", value, 50, 60), expected)
        self.assertIsNone(pace.attainment("range", -1, 0, 60))

    def test_improved(self):
        self.assertEqual(pace.improved(4, 0.5, "increase"), 6)
        self.assertEqual(pace.improved(10, 0.2, "decrease"), 8)
        self.assertEqual(pace.improved(-100, 0.1, "increase"), -90)
        self.assertIsNone(pace.improved(4, 0.5, "maintain"))
        for nothing in (0, 0.0, 0.1 + 0.2 - 0.3):
            self.assertIsNone(pace.improved(nothing, 0.5, "increase"))
            self.assertIsNone(pace.improved(nothing, 0.5, "decrease"))

    # --- status ---

    def test_no_data(self):
        self.assertEqual(self.status("at_least", 0.8, None, at(0.5)), "no_data")
        self.assertEqual(self.status("at_least", 0.8, None, at(1.0, True)), "no_data")
        self.assertEqual(self.status("at_least", None, 4, at(0.5)), "no_data")

    def test_too_early(self):
        future = pace.Elapsed(0, 20, 0.0, False, False)
        self.assertEqual(self.status("at_least", 10, 0, future, additive=True), "too_early")
        self.assertEqual(self.status("at_least", 10, 0, at(0.0), additive=True), "too_early")
        self.assertEqual(self.status("at_least", 10, 0, at(0.19), additive=True), "too_early")
        self.assertEqual(self.status("at_least", 10, 0, at(0.2), additive=True), "off_track")
        self.assertEqual(self.status("at_most", 10, 5, at(0.1), additive=True), "too_early")
        self.assertEqual(self.status("at_least", 0.8, 0.1, at(0.1)), "too_early")
        # shown early, because the result can no longer change
        self.assertEqual(self.status("at_least", 10, 12, at(0.05), additive=True), "achieved")
        self.assertEqual(self.status("at_most", 10, 12, at(0.05), additive=True), "off_track")

    def test_waiting(self):
        self.assertEqual(self.status("at_most", 0.05, 0.9, at(0.6), final_only=True), "too_early")
        self.assertEqual(
            self.status("at_most", 0.05, 0.9, at(1.0, True), final_only=True), "missed"
        )
        self.assertEqual(self.status("at_least", 0.5, None, at(0.6), maturing=True), "too_early")
        self.assertEqual(self.status("at_least", 0.5, None, at(1, True), maturing=True), "no_data")

    def test_too_few(self):
        for part in (at(0.5), at(1.0, True)):
            self.assertEqual(
                self.status("at_least", 0.8, 0.1, part, record_count=4, min_sample=5), "too_few"
            )
            self.assertNotEqual(
                self.status("at_least", 0.8, 0.1, part, record_count=5, min_sample=5), "too_few"
            )

    def test_running_count(self):
        for value, expected in ((30, "on_track"), (29, "at_risk"), (27, "at_risk"), (26, "off_track"),
                                (60, "achieved"), (75, "achieved")):  # fmt: skip
            self.assertEqual(self.status("at_least", 60, value, at(0.5), additive=True), expected)

    def test_running_limit(self):
        # projected 60, 66, 68 against at most 60: 60/66 = 0.909, 60/68 = 0.88
        for value, expected in ((30, "on_track"), (33, "at_risk"), (34, "off_track"),
                                (61, "off_track")):  # fmt: skip
            self.assertEqual(self.status("at_most", 60, value, at(0.5), additive=True), expected)

    def test_running_rate(self):
        for value, expected in ((0.8, "on_track"), (0.9, "on_track"), (0.75, "at_risk"),
                                (0.5, "off_track")):  # fmt: skip
            self.assertEqual(self.status("at_least", 0.8, value, at(0.5)), expected)
        self.assertEqual(self.status("at_most", 8, 8.5, at(0.5)), "at_risk")
        self.assertEqual(self.status("at_most", 0, 0, at(0.5)), "on_track")
        self.assertEqual(self.status("at_most", 0, 1, at(0.5)), "off_track")

    def test_range(self):
        for value, expected in ((50, "on_track"), (46, "at_risk"), (65, "at_risk"),
                                (20, "off_track")):  # fmt: skip
            self.assertEqual(self.status("range", 50, value, at(0.5), 60), expected)
        self.assertEqual(self.status("range", 50, 61, at(0.3), 60, additive=True), "off_track")
        self.assertEqual(self.status("range", 50, 28, at(0.5), 60, additive=True), "on_track")

    def test_status_of_a_closed_period(self):
        over = at(1.0, True)
        self.assertEqual(self.status("at_least", 60, 60, over, additive=True), "achieved")
        self.assertEqual(self.status("at_least", 60, 59.9, over, additive=True), "missed")
        self.assertEqual(self.status("at_least", 60, 0, over, additive=True), "missed")
        self.assertEqual(self.status("at_most", 60, 60, over, additive=True), "achieved")
        self.assertEqual(self.status("range", 50, 55, over, 60), "achieved")
        self.assertEqual(self.status("range", 50, 61, over, 60), "missed")
        # rounding of float sums does not miss the target
        self.assertEqual(self.status("at_least", 0.3, 0.1 + 0.2, over), "achieved")
        self.assertEqual(self.status("at_most", 0.3, 0.1 + 0.2, over), "achieved")

    def test_every_combination_yields_a_status(self):
        for kind in ("at_least", "at_most", "range"):
            for target in (None, -5, 0, 5):
                for value in (None, -1, 0, 3, 5, 9):
                    for part in (at(0), at(0.5), at(1, True), pace.Elapsed(0, 0, 1, True, True)):
                        for additive in (True, False):
                            verdict = pace.judge(kind, target, 7, value, 3, part, additive=additive)
                            self.assertIn(verdict.status, pace.STATUSES)
                            if part.over:
                                self.assertNotIn(
                                    verdict.status, ("on_track", "at_risk", "off_track")
                                )

    # --- spreading ---

    def test_spread_adds_up(self):
        for total, cells, digits in ((10, 3, 0), (100000, 7, 2), (0.1, 3, 0), (5, 10, 0),
                                     (1234.56, 11, 0), (-10, 3, 0), (0, 4, 2)):  # fmt: skip
            parts = pace.spread(total, cells, digits)
            self.assertEqual(len(parts), cells)
            self.assertAlmostEqual(sum(parts), total, 9)
            self.assertLessEqual(max(parts) - min(parts), 10 ** -min(digits, 1) + 1e-9)
        self.assertEqual(pace.spread(5, 0), [])
        self.assertEqual(pace.spread(5, 10), [1.0] * 5 + [0.0] * 5)
