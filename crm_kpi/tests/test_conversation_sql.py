# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The SQL builders of conversations, each alone."""

import random
from datetime import timedelta
from email.utils import parseaddr

from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL

from ..conversations import addresses, interactions, working_hours
from ..sql import select_list, with_queries
from .common_interaction import dt


@tagged("post_install", "-at_install")
class TestBuilders(TransactionCase):
    def _value(self, expression):
        [[value]] = self.env.execute_query(SQL("SELECT %s", expression))
        return value

    def test_bare_address(self):
        """Addresses equal those of Python's parser, in lower case."""
        for text in ("jo@example.com", "Jo <Jo@Example.com>", '"Doe, Jo" <jo.doe@example.com> '):
            found = self._value(addresses.bare_address(SQL("%s::text", text)))
            self.assertEqual(found, parseaddr(text)[1].lower())
        for text in ("", "no address", None):
            self.assertIsNone(self._value(addresses.bare_address(SQL("%s::text", text))))

    def test_bare_address_of_an_index(self):
        """The constant for indexes is the same expression."""
        column = SQL.identifier("r", "email")
        code = self.env.cr.mogrify(addresses.bare_address(column)).decode()
        self.assertEqual(code, addresses.BARE_ADDRESS.format(column='"r"."email"'))

    def test_may_count(self):
        """Logs, tracking and automatic messages are left out, done activities are not."""
        for kind, activity, counts in (
            ("comment", False, True),
            ("email", False, True),
            ("sms", False, True),
            ("notification", False, False),
            ("notification", True, True),
            ("user_notification", True, False),
            ("auto_comment", False, False),
            ("out_of_office", False, False),
        ):
            row = SQL(
                "(SELECT %s::varchar AS message_type, %s::int AS mail_activity_type_id) m",
                kind,
                1 if activity else None,
            )
            sql = self._value(SQL("(SELECT %s FROM %s)", interactions.may_count_sql(), row))
            self.assertEqual((interactions.may_count(kind, activity), sql), (counts, counts), kind)

    def test_with_queries(self):
        query = with_queries(
            {"a": SQL("SELECT 1 AS x"), "b": SQL("SELECT x + 1 AS x FROM a")},
            SQL("SELECT %s FROM b", select_list({"one": SQL("x - 1"), "two": SQL("x")})),
            materialized={"a"},
        )
        self.assertIn("AS MATERIALIZED", self.env.cr.mogrify(query).decode())
        self.assertEqual(self.env.execute_query(query), [(1, 2)])

    def test_worked_hours(self):
        """Compared with a count of the minutes inside the intervals."""
        rng = random.Random(5)
        begin = dt("2026-11-02 00:00")
        intervals, minutes, at = working_hours.WorkIntervals([], [], []), set(), 0
        for _n in range(6):
            at += rng.randrange(1, 200)
            length = rng.randrange(1, 300)
            intervals.starts.append(begin + timedelta(minutes=at))
            intervals.stops.append(begin + timedelta(minutes=at + length))
            intervals.hours_before.append(len(minutes) / 60)
            minutes.update(range(at, at + length))
            at += length
        for _n in range(40):
            first, last = rng.randrange(-60, at + 60), rng.randrange(-60, at + 60)
            hours = working_hours.worked_hours(
                SQL("%s::timestamp", begin + timedelta(minutes=first)),
                SQL("%s::timestamp", begin + timedelta(minutes=last)),
            )
            table = working_hours.intervals_table(intervals)
            [[found]] = self.env.execute_query(SQL("SELECT %s FROM %s AS w", hours, table))
            self.assertAlmostEqual(found, sum(first <= m < last for m in minutes) / 60)

    def test_work_intervals(self):
        """Leaves are not work intervals."""
        calendar = self.env["resource.calendar"].create(
            {
                "name": "9-12, 13-14",
                "tz": "UTC",
                "attendance_ids": [
                    (5, 0, 0),
                    *(
                        (
                            0,
                            0,
                            {
                                "name": "w",
                                "dayofweek": str(day),
                                "hour_from": first,
                                "hour_to": last,
                                "day_period": "morning",
                            },
                        )
                        for day in range(5)
                        for first, last in ((9, 12), (13, 14))
                    ),
                ],
                "leave_ids": [
                    (
                        0,
                        0,
                        {
                            "name": "Holiday",
                            "date_from": "2026-11-04 00:00:00",
                            "date_to": "2026-11-04 23:59:59",
                        },
                    )
                ],
            }
        )
        found = working_hours.work_intervals(
            calendar, dt("2026-11-03 08:00"), dt("2026-11-05 18:00")
        )
        within = [
            (start, stop)
            for start, stop in zip(found.starts, found.stops, strict=True)
            if dt("2026-11-03 00:00") <= start < dt("2026-11-06 00:00")
        ]
        self.assertEqual(sum((b - a for a, b in within), timedelta()), timedelta(hours=8))
        self.assertEqual({start.day for start, _stop in within}, {3, 5})
        hours = timedelta()
        for start, stop, before in zip(*found, strict=True):
            self.assertAlmostEqual(before, hours.total_seconds() / 3600)
            hours += stop - start

    def test_overlapping_intervals(self):
        """Hours that two lines of a calendar share count once."""

        class Calendar:
            company_id = False

            def _work_intervals_batch(self, start, stop):
                def at(hour):
                    return start.replace(hour=hour)

                return {False: [(at(11), at(13), None), (at(9), at(12), None)]}

        found = working_hours.work_intervals(
            Calendar(), dt("2026-11-03 00:00"), dt("2026-11-03 23:00")
        )
        self.assertEqual(
            [
                (start.hour, stop.hour)
                for start, stop in zip(found.starts, found.stops, strict=True)
            ],
            [(9, 12), (12, 13)],
        )
        self.assertEqual(found.hours_before, [0, 3])
