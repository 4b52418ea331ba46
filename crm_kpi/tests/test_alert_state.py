# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The state machine of alerts, and when messages are delivered: pure functions."""

import doctest
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..engine import alert_state
from ..engine.alert_state import SETTLE, State, advance, judge_limit, next_message, postponed

VERDICTS = ("met", "clear", "between", "unknown")
#: Brussels, New York and Auckland change the clock on different days, Kolkata never.
ZONES = ("Europe/Brussels", "America/New_York", "Pacific/Auckland", "Asia/Kolkata")


def play(verdicts, **options):
    """The changes of a series of verdicts, by their position."""
    state, changes = State(), {}
    for index, verdict in enumerate(verdicts):
        state, change = advance(state, verdict, **options)
        if change:
            changes[index] = change
    return changes


@tagged("post_install", "-at_install")
class TestAlertState(BaseCase):
    def test_doctests(self):
        result = doctest.testmod(alert_state)
        self.assertGreater(result.attempted, 0)
        self.assertFalse(result.failed)

    # --- states ---

    def test_a_flapping_series_sends_one_message(self):
        flapping = ["met", "clear"] * 50
        self.assertEqual(play(flapping), {0: "fired"})
        self.assertEqual(play(["met", "clear", "clear"] * 30), {0: "fired"})
        # values around a limit of 100, within 5 %
        values = [99, 101, 98, 104, 99.9, 100.1] * 20
        verdicts = [judge_limit(value, "below", 100, 0.05) for value in values]
        self.assertEqual(play(verdicts), {0: "fired"})

    def test_pending(self):
        self.assertEqual(play(["met", "met", "met"], wait=3), {2: "fired"})
        self.assertEqual(play(["met", "clear", "met", "met"], wait=3), {})
        self.assertEqual(play(["met", "unknown", "met"], wait=2), {2: "fired"})

    def test_recovery_and_again(self):
        series = ["met", *["clear"] * SETTLE, "met"]
        self.assertEqual(play(series), {0: "fired", SETTLE: "recovered", SETTLE + 1: "fired"})
        self.assertEqual(play(["met", "clear", "clear", "between", "clear", "clear"]), {0: "fired"})
        self.assertEqual(play(["met", *["unknown"] * 20]), {0: "fired"})

    def test_milestone_is_told_once(self):
        self.assertEqual(play(["met", *["clear"] * 9, "met"], once=True), {0: "fired"})

    @given(
        verdicts=st.lists(st.sampled_from(VERDICTS), max_size=60),
        wait=st.integers(1, 4),
        settle=st.integers(1, 4),
    )
    @settings(max_examples=300, deadline=None, derandomize=True)
    def test_random_series(self, verdicts, wait, settle):
        """Written down again as conditions on the history, without a state."""
        changes = play(verdicts, wait=wait, settle=settle)
        # fired and recovered alternate, and fired comes first
        kinds = list(changes.values())
        self.assertEqual(kinds, (["fired", "recovered"] * 31)[: len(kinds)])
        expected, last = {}, -1
        for index in range(len(verdicts)):
            seen = [v for v in verdicts[last + 1 : index + 1] if v != "unknown"]
            if len(expected) % 2 == 0:
                run = [v for v in seen if v != "between"]
                if verdicts[index] == "met" and run[-wait:] == ["met"] * wait:
                    expected[index], last = "fired", index
            elif verdicts[index] == "clear" and seen[-settle:] == ["clear"] * settle:
                expected[index], last = "recovered", index
        self.assertEqual(changes, expected)

    # --- messages ---

    def test_reminders_have_their_own_interval(self):
        told, sent = None, []
        for hour in range(24 * 10):
            now = datetime(2026, 11, 2) + timedelta(hours=hour)
            kind = next_message("", True, told, now, timedelta(days=3))
            if kind:
                sent.append((hour, kind))
                told = now
        self.assertEqual(
            sent, [(0, "fired"), (72, "reminder"), (144, "reminder"), (216, "reminder")]
        )
        self.assertEqual(next_message("", True, told, told + timedelta(days=99)), "")

    # --- quiet hours ---

    def local(self, text, zone):
        at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        return at.astimezone(timezone.utc).replace(tzinfo=None)

    def test_across_midnight(self):
        for at, expected in (
            ("2026-11-03T18:59", "2026-11-03T18:59"),
            ("2026-11-03T19:00", "2026-11-04T07:00"),
            ("2026-11-03T23:59", "2026-11-04T07:00"),
            ("2026-11-04T00:00", "2026-11-04T07:00"),
            ("2026-11-04T06:59", "2026-11-04T07:00"),
            ("2026-11-04T07:00", "2026-11-04T07:00"),
        ):
            for zone in ZONES:
                with self.subTest(at=at, zone=zone):
                    found = postponed(self.local(at, zone), zone, (19, 7))
                    self.assertEqual(found, self.local(expected, zone))

    def test_change_of_the_clock(self):
        """In the night to a change, the quiet hours end at the same local time."""
        for at, expected, zone in (
            ("2026-10-24T22:00", "2026-10-25T07:00", "Europe/Brussels"),
            ("2026-03-28T22:00", "2026-03-29T07:00", "Europe/Brussels"),
            ("2026-10-31T22:00", "2026-11-01T07:00", "America/New_York"),
            ("2026-03-07T22:00", "2026-03-08T07:00", "America/New_York"),
            ("2026-09-26T22:00", "2026-09-27T07:00", "Pacific/Auckland"),
            ("2026-04-04T22:00", "2026-04-05T07:00", "Pacific/Auckland"),
        ):
            with self.subTest(zone=zone, at=at):
                found = postponed(self.local(at, zone), zone, (19, 7))
                self.assertEqual(found, self.local(expected, zone))
        # 2:30 does not exist on 29 March: the first instant after the gap
        found = postponed(
            self.local("2026-03-28T23:00", "Europe/Brussels"), "Europe/Brussels", (22, 2.5)
        )
        self.assertEqual(found, datetime(2026, 3, 29, 1, 30))

    def test_free_days(self):
        holiday = datetime(2026, 11, 9).date()

        def is_free(day):
            return day.weekday() > 4 or day == holiday

        zone = "Europe/Brussels"
        for at, expected in (
            ("2026-11-06T12:00", "2026-11-06T12:00"),  # Friday
            ("2026-11-06T20:00", "2026-11-10T07:00"),
            ("2026-11-07T12:00", "2026-11-10T07:00"),
        ):
            found = postponed(self.local(at, zone), zone, (19, 7), is_free)
            self.assertEqual(found, self.local(expected, zone), at)
        # always free: delivered at once rather than lost
        at = self.local("2026-11-06T12:00", zone)
        self.assertEqual(postponed(at, zone, (19, 7), lambda day: True), at)

    @given(
        at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
        zone=st.sampled_from(ZONES),
        start=st.integers(0, 24),
        stop=st.integers(0, 24),
        free=st.sets(st.integers(0, 6), max_size=6),
    )
    @settings(max_examples=300, deadline=None, derandomize=True)
    def test_random_moments(self, at, zone, start, stop, free):
        """Never lost, never in quiet hours or on a free day, and never later than needed."""
        at = at.replace(microsecond=0)

        def is_allowed(moment):
            local = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
            hour = local.hour + local.minute / 60 + local.second / 3600
            if start < stop:
                is_quiet = start <= hour < stop
            else:
                is_quiet = start != stop and (hour >= start or hour < stop)
            return local.weekday() not in free and not is_quiet

        found = postponed(at, zone, (start, stop), lambda day: day.weekday() in free)
        if (start, stop) in ((0, 24),):
            self.assertEqual(found, at)  # always quiet
            return
        self.assertGreaterEqual(found, at)
        self.assertTrue(is_allowed(found))
        moment = at
        while moment < found:
            self.assertFalse(is_allowed(moment), moment)
            moment += timedelta(minutes=15)
