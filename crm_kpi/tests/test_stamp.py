# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that is generated from the declaration of a stamp."""

from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import SQL

from ..stamps import (
    Stamp,
    create_columns,
    elapsed_days,
    elapsed_days_sql,
    fill_stamps,
    stamp_query,
    stored_columns,
)
from .common_history import HistoryCase, utc

# fields that no other code writes on a draft order
FIELDS = {
    "date": "kpi_first_confirm_date",
    "user": "kpi_confirm_user_id",
    "team": "kpi_confirm_team_id",
}
HOT = Stamp(
    "hot",
    when=[("client_order_ref", "=", "hot")],
    tracked=("starred.at",),
    dated=("r.signed_on", "r.create_date"),
    **FIELDS,
)
FIRST_HOT = Stamp(
    "first_hot",
    when=HOT.when,
    once=True,
    tracked=HOT.tracked,
    dated=HOT.dated,
    **FIELDS,
)


@tagged("post_install", "-at_install")
class TestStamp(HistoryCase):
    def setUp(self):
        super().setUp()
        with self.at("2026-01-05 08:00"):
            self.order = self._order(self._customer(), "2026-01-05", state="draft", user=self.ann)
            self.order.team_id = self.north

    def _stamp(self):
        return tuple(self.order[name] for name in HOT.fields)

    def _past(self, stamp, date=None, **kwargs):
        """The stamp from the back-fill: the field is emptied, then filled."""
        self.order._kpi_stamp(dict.fromkeys(stamp.fields, False))
        return self._fill(stamp, date, **kwargs)

    def _fill(self, stamp, date=None, relations=None, **kwargs):
        self.env.flush_all()
        starred = SQL("SELECT %s AS id, %s::timestamp AS at", self.order.id, date)
        query = stamp_query(
            self.order.browse(),
            [stamp],
            {"starred": starred, **(relations or {})},
            SQL("r.id = %s", self.order.id),
            **kwargs,
        )
        self.assertEqual(fill_stamps(self.order.browse(), [stamp], query), self.order.ids)
        self.order.invalidate_recordset()
        return self._stamp()

    # --- LIVE WRITE ---

    def test_stamped_at_the_event_and_cleared(self):
        nothing = (False, self.env["res.users"], self.env["crm.team"])
        HOT.note(self.order)
        self.assertEqual(self._stamp(), nothing)
        self.order.client_order_ref = "hot"
        with self.at("2026-01-06 08:00"):
            HOT.note(self.order)
        event = (utc("2026-01-06 08:00"), self.ann, self.north)
        self.assertEqual(self._stamp(), event)
        self.order.write({"user_id": self.bob.id, "team_id": self.south.id})
        HOT.note(self.order)
        self.assertEqual(self._stamp(), event, "the owner at the event")
        self.order.client_order_ref = "cold"
        FIRST_HOT.note(self.order)
        self.assertEqual(self._stamp(), event, "the first event is kept")
        HOT.note(self.order)
        self.assertEqual(self._stamp(), nothing)

    def test_computed_equals_written(self):
        self.order.client_order_ref = "hot"
        with self.at("2026-01-06 08:00"):
            HOT.note(self.order)
            written = self._stamp()
            self.order._kpi_stamp(dict.fromkeys(HOT.fields, False))
            HOT.compute(self.order)
        self.assertEqual(self._stamp(), written)
        self.assertEqual(HOT.depends, ("client_order_ref",))

    def test_date_and_last_owner(self):
        stamp = Stamp("hot", when=HOT.when, once=True, last_owner=True, **FIELDS)
        self.order.client_order_ref = "hot"
        stamp.note(self.order, utc("2025-12-01 08:00"))
        self.order.write({"user_id": self.bob.id, "team_id": self.south.id})
        stamp.note(self.order, utc("2026-02-01 08:00"))
        self.assertEqual(self._stamp(), (utc("2025-12-01 08:00"), self.bob, self.south))
        dated = Stamp("hot", when=HOT.when, at=lambda order: order.create_date, **FIELDS)
        self.order._kpi_stamp(dict.fromkeys(HOT.fields, False))
        dated.note(self.order)
        self.assertEqual(self.order[HOT.date], utc("2026-01-05 08:00"))

    def test_odoobot_gets_no_credit(self):
        self.order.write({"client_order_ref": "hot", "user_id": self.env.ref("base.user_root").id})
        HOT.note(self.order)
        self.assertFalse(self.order[HOT.user])
        self.assertFalse(self._past(HOT)[1])

    # --- BACK-FILL ---

    def test_history_gives_what_was_stamped(self):
        self.order.client_order_ref = "hot"
        with self.at("2026-01-06 08:00"):
            HOT.note(self.order)
        lived = self._stamp()
        for stamp in (HOT, FIRST_HOT):
            self.assertEqual(self._past(stamp, utc("2026-01-06 08:00")), lived)

    def test_history_without_tracking_takes_the_dates_of_the_record(self):
        self.order.client_order_ref = "hot"
        for stamp in (HOT, FIRST_HOT):
            self.assertEqual(self._past(stamp)[0], utc("2026-01-05 08:00"))
        self.order.signed_on = "2026-03-01 08:00:00"
        self.assertEqual(self._past(HOT)[0], utc("2026-03-01 08:00"))

    def test_history_of_a_record_that_does_not_meet_the_condition(self):
        tracked = utc("2026-01-06 08:00")
        self.assertEqual(self._past(HOT, tracked)[0], False)
        self.assertEqual(self._past(FIRST_HOT, tracked)[0], tracked, "it happened once")
        self.assertEqual(self._past(FIRST_HOT)[0], False)

    def test_stamp_and_history(self):
        """A record is stamped before its back-fill."""
        self.order.client_order_ref = "hot"
        with self.at("2026-02-01 08:00"):
            HOT.note(self.order)
        self.order.write({"user_id": self.bob.id, "team_id": self.south.id})
        stamped = (utc("2026-02-01 08:00"), self.ann, self.north)
        earlier, later = utc("2026-01-06 08:00"), utc("2026-02-01 08:00:09")
        self.assertEqual(self._fill(HOT, earlier), stamped)
        self.assertEqual(self._fill(FIRST_HOT, later), stamped)
        self.assertEqual(self._fill(FIRST_HOT, earlier), (earlier, self.bob, self.south))
        wins = Stamp(
            "hot", when=HOT.when, once=True, history_wins=True, tracked=HOT.tracked, **FIELDS
        )
        later = utc("2026-05-05 08:00")
        self.assertEqual(self._fill(wins, later)[0], later)
        self.assertEqual(self._fill(wins)[0], later)

    def test_owner_at_the_event_where_it_is_known(self):
        self.order.client_order_ref = "hot"
        spells = SQL(
            """
            SELECT * FROM (VALUES
                (%(id)s, '-infinity'::timestamp, '2026-01-06'::timestamp, %(bob)s),
                (%(id)s, '2026-01-06'::timestamp, NULL::timestamp, %(ann)s)
            ) AS t (id, at, until, user_id)
            """,
            id=self.order.id,
            ann=self.ann.id,
            bob=self.bob.id,
        )
        for date, user in (("2026-01-05", self.bob), ("2026-01-06", self.ann)):
            found = self._past(HOT, utc(date), relations={"spells": spells}, spells="spells")
            self.assertEqual(found, (utc(date), user, self.north))

    # --- COLUMNS ---

    def test_columns(self):
        self.assertEqual(
            HOT.columns,
            {name: self.order._fields[name].column_type[0] for name in HOT.fields},
        )

        class Definition:
            _name = "kpi.toy"
            _kpi_stamps = (HOT,)
            _field_definitions = ()

        self.assertEqual(stored_columns(Definition), {"kpi_toy": HOT.columns})
        self.env.cr.execute("CREATE TABLE kpi_toy (id int, kpi_first_confirm_date timestamp)")
        create_columns(self.env.cr, Definition)
        create_columns(self.env.cr, Definition)
        self.env.cr.execute(
            "SELECT column_name, udt_name FROM information_schema.columns"
            " WHERE table_name = 'kpi_toy' AND column_name <> 'id'"
        )
        self.assertEqual(dict(self.env.cr.fetchall()), HOT.columns)

    # --- PROTECTION ---

    def test_protection(self):
        stamp = Stamp("automated", date="signed_on", when=HOT.when)
        rep = self.order.with_user(self.ann)
        rep.signed_on = "2026-01-01"
        with patch.object(self.env.registry["sale.order"], "_kpi_stamps", (stamp,)):
            with self.assertRaisesRegex(AccessError, "signed_on"):
                rep.signed_on = "2026-01-02"
            self.order.write({"signed_on": False, "client_order_ref": "hot"})
            stamp.note(rep)
        self.assertTrue(self.order.signed_on, "stamped although the user may not write it")

    # --- DURATIONS ---

    def test_days_in_python_and_in_sql(self):
        start = utc("2026-01-05 08:00:00")
        for stop, days in (
            ("2026-01-06 20:00:00", 1.5),
            ("2026-01-05 08:00:00", 0.0),
            ("2026-01-05 07:59:59", 0.0),
            ("2026-01-05 07:59:58", None),
        ):
            with self.subTest(stop):
                in_python = elapsed_days(start, utc(stop))
                self.assertEqual(None if in_python is False else in_python, days)
                query = SQL(
                    "SELECT %s",
                    elapsed_days_sql(SQL("%s::timestamp", start), SQL("%s::timestamp", utc(stop))),
                )
                self.assertEqual(self.env.execute_query(query), [(days,)])
        self.assertIs(elapsed_days(False, start), False)
