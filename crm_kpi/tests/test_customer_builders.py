# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The CTE builders of ``customers/``, each with hand-made rows instead of its input tables."""

from datetime import date, datetime

from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL

from ..customers import churn, definitions, history, moments, period, rfm
from ..sql import with_queries


def values(*rows):
    """A query that returns these rows."""
    return SQL(
        "VALUES %s",
        SQL(", ").join(
            SQL("(%s)", SQL(", ").join(SQL("%s", cell) for cell in row)) for row in rows
        ),
    )


def table(names, *rows):
    """A query that returns these rows, with column names and types: ``"id int, day date"``."""
    columns = [column.split() for column in names.split(", ")]
    return SQL(
        "SELECT %s FROM (%s) AS given (%s)",
        SQL(", ").join(SQL("%s::%s AS %s", SQL.identifier(n), SQL(t), SQL.identifier(n))
                       for n, t in columns),
        values(*rows),
        SQL(", ").join(SQL.identifier(name) for name, _type in columns),
    )  # fmt: skip


@tagged("post_install", "-at_install")
class TestBuilders(TransactionCase):
    def _rows(self, ctes, select):
        return self.env.execute_query(with_queries(ctes, SQL(select)))

    def test_statement_leaves_out_what_is_not_needed(self):
        ctes = {"one": SQL("SELECT 1 AS n"), "none": None, "two": SQL("SELECT n + 1 AS n FROM one")}
        self.assertEqual(self._rows(ctes, "SELECT n FROM two"), [(2,)])

    def _moment(self, **values):
        return moments.Moment(
            **{
                "period_id": 1,
                "company_id": 1,
                "kind": "month",
                "date_from": date(2026, 3, 1),
                "date_to": date(2026, 4, 1),
                "utc_from": datetime(2026, 2, 28, 23),
                "at": datetime(2026, 3, 31, 22),
                "until": datetime(2026, 3, 31, 22),
                "tz": "Europe/Brussels",
                "inactivity_days": 365,
                "at_risk_factor": 2.0,
                "at_risk_days": 30,
                "revenue_basis": "ordered",
                **values,
            }
        )

    def test_moment(self):
        """Bounds are local midnights, also across a change of the clock."""
        [row] = self._rows(
            {"moment": moments.moment([self._moment()])},
            "SELECT day_end, day_year_ago, year_ago, before_start, before_end, before_year,"
            " before_base, before_base_end FROM moment",
        )
        microsecond = 999999
        self.assertEqual(
            row,
            (
                date(2026, 3, 31),
                date(2025, 4, 1),
                datetime(2025, 3, 31, 22),
                datetime(2026, 2, 28, 22, 59, 59, microsecond),
                datetime(2026, 3, 31, 21, 59, 59, microsecond),
                datetime(2025, 2, 28, 22, 59, 59, microsecond),
                datetime(2025, 2, 28, 22, 59, 59, microsecond),
                datetime(2025, 3, 31, 21, 59, 59, microsecond),
            ),
        )
        self.assertEqual(self._rows({"moment": moments.moment([])}, "SELECT * FROM moment"), [])

    def test_weeks_are_compared_with_whole_weeks(self):
        week = self._moment(kind="week", date_from=date(2026, 3, 2), date_to=date(2026, 3, 9))
        [(start,)] = self._rows(
            {"moment": moments.moment([week])}, "SELECT before_base FROM moment"
        )
        self.assertEqual(start, datetime(2025, 3, 2, 22, 59, 59, 999999), "a Monday")

    def test_running_totals_and_history(self):
        columns = (
            "id int, company_id int, partner_id int, date_order timestamp, qualifying bool,"
            " gap_days int, is_cross_sell bool, is_upsell bool, user_id int, team_id int,"
            " amount numeric, margin numeric, list_amount numeric, discount_amount numeric"
        )
        day = [datetime(2026, 1, number) for number in (1, 2, 3)]
        orders = table(
            columns,
            (3, 1, 7, day[2], True, 2, False, True, 5, None, 30, 3, None, None),
            (1, 1, 7, day[0], True, None, False, False, 4, 8, 10.5, 1, 11, 0.5),
            (2, 1, 7, day[1], False, None, False, False, 6, 9, -4, None, None, None),
        )
        [row] = self._rows(
            {
                "confirmed_order": orders,
                "summed_order": history.running_totals(),
                "history": history.history(),
            },
            "SELECT * FROM history",
        )
        self.assertEqual(
            row,
            (
                1,
                7,
                [day[0], day[2]],
                [4, 5],
                [8, None],
                [None, 2],
                None,
                [day[2]],
                day,
                [0, 10_500_000, 6_500_000, 36_500_000],
                [0, 1_000_000, 1_000_000, 4_000_000],
                [0, 11_000_000, 11_000_000, 11_000_000],
                [0, 500_000, 500_000, 500_000],
            ),
        )

    def test_own_gap(self):
        """The median needs two gaps; further orders on a day have no gap."""
        gaps = SQL("ARRAY[NULL, 10, NULL, 31, 20]")
        for count, expected in ((0, None), (1, None), (3, None), (4, 20.5), (5, 20)):
            [(found,)] = self.env.execute_query(
                SQL("SELECT %s", churn.own_gap(gaps, SQL("%s::int", count)))
            )
            self.assertEqual(found, expected, count)

    def test_at_risk_date(self):
        last = datetime(2026, 1, 1)
        for least, factor, own, company, expected in (
            (30, 2, 20, 50, datetime(2026, 2, 10)),
            (30, 2, None, 50, datetime(2026, 4, 11)),
            (30, 2, 10, 50, datetime(2026, 1, 31)),
            (0, 1.5, 1, 50, datetime(2026, 1, 2, 12)),
            (30, 2, None, None, None),
        ):
            arguments = [SQL("%s::timestamp", last), SQL("%s", least), SQL("%s", factor)]
            arguments += [SQL("%s::float8", own), SQL("%s::float8", company)]
            [(found,)] = self.env.execute_query(SQL("SELECT %s", churn.at_risk_date(*arguments)))
            self.assertEqual(found, expected)

    def test_lifetime_value(self):
        for basis, expected in (("ordered", 13), ("invoiced", 3), (None, 13)):
            value = history.lifetime_value(SQL("%s::text", basis), SQL("10000000"), SQL("3000000"))
            self.assertEqual(self.env.execute_query(SQL("SELECT %s", value)), [(expected,)])

    def test_scores(self):
        """The RFM example of docs/CATALOGUE.md#customers."""
        facts = table(
            "moment int, partner_id int, last_day date, days int, amount numeric, orders int,"
            " churned bool",
            (0, 1, date(2026, 1, 50 - 20), 5, 50, 5, False),
            (0, 2, date(2026, 1, 20), 2, 40, 2, False),
            (0, 3, date(2026, 1, 10), 1, 30, 1, False),
            (0, 4, date(2026, 1, 5), 1, 400, 1, False),
            (0, 5, date(2026, 1, 1), 1, 500, 1, True),
            # no recent order: no score, and not ranked
            (0, 6, None, None, None, 3, False),
            # the only customer at another time
            (1, 1, date(2026, 1, 1), 1, 10, 1, False),
        )
        rows = self.env.execute_query(
            SQL("SELECT * FROM (%s) AS found ORDER BY moment, partner_id", rfm.scores(facts))
        )
        self.assertEqual(
            rows,
            [
                (0, 1, 5, 5, 3, "champion"),
                (0, 2, 4, 4, 2, "loyal"),
                (0, 3, 3, 1, 1, "attention"),
                (0, 4, 2, 1, 4, "at_risk"),
                (0, 5, 1, 1, 5, "lost"),
                (0, 6, None, None, None, None),
                (1, 1, None, None, None, None),
            ],
        )

    def test_best_fifth(self):
        described = table(
            "period_id int, partner_id int, active_start bool, revenue_two_years int",
            *((1, number, number < 7, number % 4) for number in range(1, 9)),
            *((2, number, True, number) for number in range(4)),
        )
        rows = self.env.execute_query(
            SQL(
                "WITH described AS (%s) SELECT period_id, partner_id FROM (%s) AS row WHERE is_top",
                described,
                period.with_best_fifth(),
            )
        )
        # six active customers: two of them; four are too few
        self.assertEqual(sorted(rows), [(1, 2), (1, 3)])

    def test_internal_partners(self):
        """Own companies, internal users and the public user."""
        internal = {
            id_ for (id_,) in self.env.execute_query(definitions.internal_partners(self.env))
        }
        for partner in (
            self.env.company.partner_id,
            self.env.ref("base.partner_root"),
            self.env.ref("base.public_partner"),
            self.env.ref("base.user_admin").partner_id,
        ):
            self.assertIn(partner.id, internal)
        customer = self.env["res.partner"].create({"name": "Customer"})
        self.env.flush_all()
        self.assertNotIn(customer.id, internal)
        found = self.env.execute_query(
            SQL(
                "SELECT id FROM (%s) AS customer WHERE id = ANY(%s)",
                definitions.all_customers(self.env),
                [customer.id, self.env.ref("base.public_partner").id],
            )
        )
        self.assertEqual(found, [(customer.id,)])
