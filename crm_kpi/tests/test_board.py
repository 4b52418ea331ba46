# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a board shows: numbers, changes, states, bars, and the filters."""

import doctest
import re
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tools.misc import file_open

from odoo.addons.crm_kpi.board import filters as filters_module
from odoo.addons.crm_kpi.board import trend
from odoo.addons.crm_kpi.board.filters import Filters

from .common_board import BoardCase


def plain(text):
    return text.replace("\u00a0", " ")


@tagged("post_install", "-at_install")
class TestBoard(BoardCase):
    # --- NUMBERS ---

    def test_numbers_are_those_of_the_records(self):
        """Card, stored value and plain SQL agree for company, team and salesperson."""
        april = self.period("month", "2026-04-15")
        for filters, level, condition in (
            ({"scope": "company"}, "company", "TRUE"),
            (
                {"scope": "team", "team_id": self.north.id},
                "team",
                f"team_id = {self.north.id}",
            ),
            (
                {"scope": "team", "user_id": self.bob.id},
                "user",
                f"user_id = {self.bob.id}",
            ),
        ):
            count, total = self.count(condition)
            number, amount = self.card(self.leads, **filters), self.card(self.amount, **filters)
            self.assertEqual((number["value"], number["record_count"]), (count, count), level)
            self.assertEqual(amount["value"], total, level)
            row = self.env["crm.kpi.value"].browse(number["value_id"])
            self.assertEqual((row.level, row.period_id, row.value), (level, april, count))
        self.assertEqual(self.count()[0], 6)
        self.assertEqual(self.card(self.leads)["value_text"], "6")

    def test_own_numbers(self):
        card = self.card(self.leads, self.ann, scope="mine")
        self.assertEqual(card["value"], self.count(f"user_id = {self.ann.id}")[0])
        self.assertEqual(card["value"], 3)

    def test_rate_is_computed_at_its_level(self):
        """Two of the six leads are big. The rate is not the mean of the rates of salespeople."""
        card = self.card(self.share)
        self.assertAlmostEqual(card["value"], 2 / 6)
        self.assertEqual((plain(card["value_text"]), card["record_count"]), ("33 %", 6))
        self.assertEqual(card["kpi"]["computation"], "big ÷ Leads")
        counter = card["kpi"]["counter"]
        self.assertEqual((counter["name"], counter["value_text"]), ("Leads", "6"))

    def test_order_of_cards(self):
        shown = [card["kpi"]["id"] for card in self.show()["cards"]]
        self.assertEqual(shown, (self.leads | self.amount | self.share).ids)

    def test_snapshot_of_an_earlier_day(self):
        """Without a refresh on the last day, card, trend, explanation and formulas give the day."""
        source = self.source.copy({"code": "test_pipeline", "kind": "snapshot"})
        stock = self.make_kpi("stock", source_id=source.id)
        double = self.make_kpi("double", kind="formula", formula="test_stock * 2")
        self.board.card_ids = [Command.create({"kpi_id": kpi.id}) for kpi in stock | double]
        self.refresh()  # on 15 April
        with freeze_time("2026-05-02 06:00:00"):
            self.make_lead("2026-05-01 10:00:00")
            self.refresh()
            text = "As of 04/15/2026, because no refresh ran at the end of the period"
            for kpi in stock | double:
                card = self.card(kpi, date="last")
                self.assertEqual((card["state"], card["state_text"]), ("early", text))
                self.assertEqual(self.card(kpi)["state"], "ok", "May is running")
            self.assertEqual(self.card(self.leads, date="last")["state"], "ok")
            points = self.ask("get_detail", stock, filters={"date": "last"})["trend"]["points"]
            count = self.count(first="2000-01-01", after="2026-05-01")[0]
            self.assertEqual(points[-1]["value_text"], f"{count}, as of 04/15/2026")
            why = self.ask("get_explanation", stock, filters={"date": "last"})
            self.assertIn(text, str(why))

    # --- CHANGE ---

    def test_change_against_the_same_working_days(self):
        """Six leads in ten working days; March had three in its first ten and five in total."""
        self.assertEqual(self.show()["period"]["elapsed_text"], "10 of 22 working days")
        change = self.card(self.leads)["change"]
        self.assertEqual(self.count(first="2026-03-01", after="2026-03-14")[0], 3)
        self.assertEqual((change["trend"], change["up"]), ("better", True))
        self.assertEqual(change["trend_text"], "Better")
        # 3 records are too few for a percentage
        text = plain(change["text"]).replace("\u2009", " ")
        self.assertEqual(text, "from 3 (Mar 1 – 13, 2026)")

    def test_change_against_last_year(self):
        """Two leads in the first ten working days of April 2025, and one on the eleventh."""
        change = self.card(self.leads, comparison="last_year")["change"]
        self.assertEqual(self.count(first="2025-04-01", after="2025-04-15")[0], 2)
        self.assertEqual(change["trend"], "better")
        self.assertTrue(change["basis_text"].endswith(": 2"))

    def test_change_of_a_rate_is_in_points(self):
        """2 of 6 against 2 of 3 in the same part of March."""
        change = self.card(self.share)["change"]
        text = plain(change["text"]).replace("\u2009", " ")
        self.assertEqual(text, "33 points vs Mar 1 – 13, 2026 (67 %)")
        self.assertEqual((change["trend"], change["up"]), ("worse", False))

    def test_change_of_a_closed_period(self):
        """Five leads in March against four in the whole of February."""
        shown = self.show(date="last")
        self.assertEqual(shown["period"]["label"], "March 2026")
        change = shown["cards"][0]["change"]
        self.assertEqual(plain(change["text"]), "from 4 (February 2026)")

    def test_no_comparison_in_the_first_hours(self):
        """During the first half of a working day there is no comparison."""
        with freeze_time("2026-05-01 05:30:00"):
            self.refresh()
            card = self.card(self.leads)
        self.assertEqual((card["value"], card["change"]), (0, None))

    def test_partial_period_is_used_until_the_next_refresh(self):
        with freeze_time("2026-04-15 14:00:00"):  # now almost eleven days
            change = self.card(self.leads)["change"]
        self.assertTrue(change["basis_text"].endswith(": 3"))

    def test_parts_are_replaced_with_the_day(self):
        """There is one part per comparison. Parts of earlier days are deleted in any state."""
        parts = [("company_id", "=", self.company.id), ("kind", "=", "to_date")]
        before = self.env["crm.kpi.period"].search(parts)
        self.assertIn("2026-03-01 – 2026-03-13", before.mapped("name"))
        self.assertEqual(set(before.mapped("state")), {"provisional"})
        before[:1].sudo().state = "provisional"
        with freeze_time("2026-04-16 06:00:00"):
            self.refresh()
            after = self.env["crm.kpi.period"].search(parts)
            self.assertIn("2026-03-01 – 2026-03-16", after.mapped("name"))
            self.assertNotIn("2026-03-01 – 2026-03-13", after.mapped("name"))
            # includes the lead of 16 March
            self.assertTrue(self.card(self.leads)["change"]["basis_text"].endswith(": 4"))

    def test_partial_periods_are_not_offered(self):
        """Goals, lists, pivots and filters offer only whole periods."""
        goal_domain = self.env["crm.kpi.goal"]._fields["period_id"].domain
        self.assertIn(("kind", "!=", "to_date"), goal_domain)
        wizard_domain = self.env["crm.kpi.goal.set"]._fields["period_ids"].domain
        self.assertIn("('kind', '!=', 'to_date')", wizard_domain)
        for name in ("value_mine", "value_trend", "value", "period"):
            action = self.env.ref(f"crm_kpi.crm_kpi_{name}_action")
            self.assertIn("'to_date'", action.domain, name)
        options = self.choices()
        names = {kind for kind, _name in options["kinds"]}
        self.assertEqual(names, {"day", "week", "month", "quarter", "year", "custom"})
        periods = self.env["crm.kpi.period"].browse(p["id"] for p in options["periods"])
        self.assertEqual(set(periods.mapped("kind")), {"month"})

    # --- STATES ---

    def test_too_few(self):
        """Bob has one lead, and the rate needs four."""
        card = self.card(self.share, scope="team", user_id=self.bob.id)
        self.assertEqual(
            (card["state"], card["state_text"]),
            ("too_few", "Too little data (1 of 4 needed)"),
        )
        self.assertEqual(self.card(self.share)["state"], "ok")

    def test_no_data(self):
        """A rate without records has no value, which is not zero."""
        card = self.card(self.share, date="2026-01-01")
        self.assertEqual((card["state"], card["value"], card["value_text"]), ("no_data", None, "–"))
        self.assertEqual(card["state_text"], "Nothing to divide by: Leads is 0")

    def test_too_early(self):
        late = self.make_kpi("late", complete_only=True)
        young = self.make_kpi(
            "young",
            aggregator="avg",
            value_field="expected_revenue",
            unit="money",
            maturity_days=30,
        )
        self.board.card_ids = [Command.create({"kpi_id": kpi.id}) for kpi in (late, young)]
        self.refresh()
        card = self.card(late)
        self.assertEqual(
            (card["state"], card["state_text"]), ("too_early", "Available after Apr 30, 2026")
        )
        card = self.card(young)
        self.assertEqual(card["state"], "too_early")
        self.assertEqual(
            card["state_text"], "Available from May 31, 2026, when all records are mature"
        )

    def test_folded(self):
        """Cards with nothing to show are only named: too early, or no value in any period shown.

        The rate keeps its card in January 2026, where it has no records: it had a value in 2025.
        A card with a goal or with rows stays.
        """
        late = self.make_kpi("late", complete_only=True)
        never = self.make_kpi(
            "never",
            domain="[('name', '=', 'x')]",
            aggregator="avg",
            value_field="expected_revenue",
            unit="money",
        )
        self.board.card_ids = [Command.create({"kpi_id": kpi.id}) for kpi in (late, never)]
        self.refresh()

        def folded(**filters):
            return {c["kpi"]["code"] for c in self.show(**filters)["cards"] if c["folded"]}

        self.assertEqual(folded(), {"test_late", "test_never"})
        self.assertEqual(folded(date="last"), {"test_never"})
        # nobody had a lead between May 2025 and January 2026
        self.assertIsNone(self.card(self.share, date="2026-01-01")["value"])
        self.assertNotIn("test_share", folded(date="2026-01-01"))
        self.assertIn("test_share", folded(date="2026-01-01", scope="team", user_id=self.bob.id))
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": never.id,
                "period_id": self.period("month", "2026-04-15").id,
                "kind": "at_most",
                "target": 3,
            }
        )
        self.assertEqual(folded(), {"test_late"})

    def test_stale(self):
        """A value that cannot be updated shows its last update, also when a component fails."""
        self.big.write(
            {
                "last_error": "division by something",
                "last_refresh": "2026-04-13 09:00:00",
                "next_try": "2026-04-16 09:00:00",
            }
        )
        card = self.card(self.share)
        self.assertEqual(card["state"], "stale")
        self.assertIn("Not updated since", card["state_text"])
        self.assertIn("4/13/26", card["state_text"])
        self.assertEqual(self.card(self.leads)["state"], "ok")

    def test_never_computed(self):
        kpi = self.make_kpi("broken", last_error="broken", next_try="2026-04-16 09:00:00")
        self.board.card_ids = [Command.create({"kpi_id": kpi.id})]
        self.assertEqual(self.card(kpi)["state"], "not_available")

    def test_old_numbers_are_not_shown_as_new(self):
        """When three refreshes were missed, the board shows the time of the last one."""
        cron = self.env.ref("crm_kpi.ir_cron_refresh").sudo()
        self.env.cr.execute("UPDATE crm_kpi SET last_refresh = '2026-04-15 05:00:00'")
        self.env.cr.execute(
            "UPDATE ir_cron SET lastcall = '2026-04-15 05:30:00' WHERE id = %s", [cron.id]
        )
        self.env.invalidate_all()
        self.assertFalse(self.show()["stale"])
        with freeze_time("2026-04-15 09:00:00"):
            shown = self.show()
        self.assertTrue(shown["stale"])
        self.assertIn("4/15/26", shown["stale_text"])

    # --- GOALS ---

    def test_bullet(self):
        """Six of twelve after 10 of 22 days: the forecast 13.2 is the largest position."""
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.leads.id,
                "period_id": self.period("month", "2026-04-15").id,
                "kind": "at_least",
                "target": 12,
            }
        )
        card = self.card(self.leads)
        goal, bullet = card["goal"], card["bullet"]
        self.assertEqual((goal["target"], goal["target_text"]), (12.0, "≥ 12"))
        self.assertEqual((goal["status"], goal["shape"]), ("on_track", "●"))
        self.assertAlmostEqual(goal["attainment"], 0.5)
        self.assertAlmostEqual(goal["forecast"], 6 * 22 / 10)
        longest = 6 * 22 / 10 * 1.1
        self.assertAlmostEqual(bullet["forecast"], 1 / 1.1)
        self.assertAlmostEqual(bullet["value"], 6 / longest)
        self.assertAlmostEqual(bullet["target"], 12 / longest)
        self.assertAlmostEqual(bullet["pace"], 12 * 10 / 22 / longest)
        self.assertIsNone(bullet["target_max"])
        self.assertFalse(self.card(self.amount)["bullet"])

    def test_no_bar_below_zero(self):
        loss = self.make_lead("2026-04-03 10:00:00", expected_revenue=-5000)
        self.assertTrue(loss)
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.amount.id,
                "period_id": self.period("month", "2026-04-15").id,
                "kind": "at_least",
                "target": 100,
            }
        )
        self.refresh()
        card = self.card(self.amount)
        self.assertLess(card["value"], 0)
        self.assertTrue(card["goal"])
        self.assertFalse(card["bullet"])

    # --- SPARKLINE AND ROWS ---

    def test_sparkline(self):
        """Twelve months up to the current one; a count of no records is zero, a rate has no value."""
        sparkline = self.card(self.leads)["sparkline"]
        self.assertEqual(len(sparkline), 12)
        self.assertEqual(sparkline[0]["label"], "May 2025")
        self.assertEqual([point["value"] for point in sparkline], [0] * 9 + [4, 5, 6])
        self.assertEqual([point["running"] for point in sparkline], [False] * 11 + [True])
        rates = [point["value"] for point in self.card(self.share)["sparkline"]]
        self.assertEqual(rates[:9], [None] * 9)
        self.assertAlmostEqual(rates[-1], 2 / 6)
        # ends with the chosen period
        sparkline = self.card(self.leads, date="2026-03-01")["sparkline"]
        self.assertEqual((sparkline[-1]["label"], sparkline[-1]["value"]), ("March 2026", 5))

    def test_rows(self):
        """The best row is first, the reader's row is marked, rows without owner are Unassigned."""
        self.board.card_ids.filtered(lambda c: c.kpi_id == self.leads).display = "reps"
        rows = self.card(self.leads)["rows"]
        found = {row["name"]: (row["value"], row["share"]) for row in rows}
        self.assertEqual(rows[0]["name"], "Ann")
        self.assertEqual(found["Ann"], (3, 1.0))
        self.assertEqual(found["Unassigned"][0], 1)
        self.assertAlmostEqual(found["Bob"][1], 1 / 3)
        rows = self.card(self.leads, scope="team", team_id=self.north.id)["rows"]
        self.assertEqual({row["name"] for row in rows}, {"Ann", "Bob"})
        rows = self.card(self.leads, self.ann)["rows"]
        self.assertEqual([(row["name"], row["mine"]) for row in rows], [("Ann", True)])

    # --- FILTERS ---

    def test_browser_and_server_have_the_same_filters(self):
        with file_open("crm_kpi/static/src/board/filters.js") as file:
            [listed] = re.findall(r"export const FILTERS = \[(.*?)\];", file.read(), re.DOTALL)
        self.assertEqual(re.findall(r'"(\w+)"', listed), Filters.names())
        self.assertEqual(list(self.show()["filters"]), Filters.names())

    def test_filters_of_a_wrong_type_are_replaced(self):
        """An address may contain anything: the defaults of the board are used instead."""
        default = self.show()
        for broken in (
            {"team_id": "x", "user_id": [1], "segment_id": -1, "company_id": True},
            {"period_kind": 5, "comparison": {}, "scope": ["mine"], "date": 20260401},
            {"page": 2, "limit": "other"},
        ):
            shown = self.show(**broken)
            self.assertEqual(shown["filters"], default["filters"], broken)
            self.assertEqual(shown["notes"], [])
        self.assertEqual(self.boards.get_board(self.board.id, ["mine"])["notes"], [])
        # an address contains ids as text
        shown = self.show(scope="team", team_id=str(self.north.id))
        self.assertEqual(shown["filters"]["team_id"], self.north.id)

    def test_team_of_a_person(self):
        """A person is shown with the own team, not with the first team or that chosen before."""
        north, south = self.north.id, self.south.id
        for user, team_id, expected in (
            (self.bob, None, north),
            (self.cid, None, south),
            (self.bob, south, north),
            (self.cid, south, south),
            (self.ada, north, None),
        ):
            shown = self.show(scope="team", user_id=user.id, team_id=team_id)["filters"]
            self.assertEqual((shown["user_id"], shown["team_id"]), (user.id, expected))

    def test_kinds_of_period(self):
        for kind, first, after in (
            ("day", "2026-04-15", "2026-04-16"),
            ("week", "2026-04-13", "2026-04-20"),
            ("quarter", "2026-04-01", "2026-07-01"),
            ("year", "2026-01-01", "2027-01-01"),
        ):
            shown = self.show(period_kind=kind)
            self.assertEqual(shown["period"]["date_from"], first)
            count = self.count(first=first, after=after)[0]
            self.assertEqual(shown["cards"][0]["value"], count, kind)
        self.assertEqual(self.show(period_kind="eon")["filters"]["period_kind"], "month")

    def test_last_complete(self):
        shown = self.show(date="last", period_kind="quarter")
        self.assertEqual(shown["period"]["date_from"], "2026-01-01")
        self.assertEqual(shown["period"]["timing"], "past")
        self.assertEqual(shown["filters"]["date"], "last")
        self.assertEqual(shown["cards"][0]["value"], 9)

    def test_board_starts_on_the_last_complete_period(self):
        """The default of the board; other kinds of period start with the current one."""
        self.board.starts_on = "last"
        shown = self.show()
        self.assertEqual((shown["period"]["date_from"], shown["filters"]["date"]),
                         ("2026-03-01", "last"))  # fmt: skip
        for filters in ({"date": "now"}, {"date": "2026-04-01"}):
            self.assertEqual(self.show(**filters)["period"]["date_from"], "2026-04-01")
        self.assertEqual(self.show(period_kind="quarter")["period"]["date_from"], "2026-04-01")

    def test_shipped_boards_of_final_values(self):
        """Retention and churn are known when a quarter is over."""
        for name in ("customers", "executive"):
            board = self.env.ref(f"crm_kpi.crm_kpi_board_{name}")
            self.assertEqual(self.show(board=board)["period"]["label"], "Q1 2026")

    def test_missing_period(self):
        for date in ("2031-01-01", "2026-04-02", "soon"):
            shown = self.show(date=date)
            self.assertEqual(shown["period"]["date_from"], "2026-04-01", date)
            self.assertEqual(len(shown["notes"]), 1)
        self.assertFalse(self.show()["notes"])

    def test_free_dates(self):
        """A salesperson chooses custom days; the KPIs of the board are computed for them."""
        filters = {"period_kind": "custom", "date": "2026-03-10", "date_to": "2026-04-09"}
        shown = self.show(self.ann, **filters)
        self.assertEqual(shown["filters"]["period_kind"], "month")
        self.assertIn("not been computed", shown["notes"][0])
        boards = self.boards.with_user(self.ann)
        period_id = boards.prepare_period(self.board.id, filters)
        self.assertEqual(boards.prepare_period(self.board.id, filters), period_id)
        shown = self.show(self.ann, **filters)
        self.assertEqual(shown["period"]["id"], period_id)
        self.assertEqual(
            (shown["filters"]["date"], shown["filters"]["date_to"]), ("2026-03-10", "2026-04-09")
        )
        count = self.count(first="2026-03-10", after="2026-04-10")[0]
        self.assertEqual(shown["cards"][0]["value"], count)
        self.assertEqual(count, 8)
        self.assertTrue(shown["cards"][0]["change"])
        for date, date_to in ((False, "2026-04-01"), ("2026-04-02", "2026-04-01"), ("x", "y")):
            with self.assertRaisesRegex(UserError, "Period: choose a first day"):
                boards.prepare_period(self.board.id, {"date": date, "date_to": date_to})

    def prepare(self, first, last, comparison):
        """Choose custom days as Ann does, and return the filters."""
        filters = {
            "period_kind": "custom",
            "date": first,
            "date_to": last,
            "comparison": comparison,
        }
        boards = self.boards.with_user(self.ann).with_company(self.company)
        boards.prepare_period(self.board.id, filters)
        return filters

    def set_goals(self, kpi, targets, period_kind="month", **values):
        """Goals by a day of their period."""
        return self.env["crm.kpi.goal"].create(
            [
                {
                    "kpi_id": kpi.id,
                    "period_id": self.period(period_kind, day).id,
                    "kind": "at_least",
                    "target": target,
                    **values,
                }
                for day, target in targets.items()
            ]
        )

    def test_goals_of_custom_days(self):
        """A count has the shares of its goals, by working days; a rate their mean."""
        months = {"2026-03-10": ("2026-03-01", 22), "2026-04-10": ("2026-04-01", 22)}
        # Monday to Friday, in plain Python
        first = fields.Date.to_date("2026-03-23")
        days = [first + timedelta(days=number) for number in range(19)]
        days = [day for day in days if day.weekday() < 5]
        march, april = (sum(day.month == month for day in days) for month in (3, 4))
        self.assertEqual((march, april), (7, 8))
        self.set_goals(self.leads, dict(zip(months, (44, 66), strict=True)))
        self.set_goals(self.share, dict(zip(months, (0.2, 0.5), strict=True)))
        filters = self.prepare("2026-03-23", "2026-04-10", "previous")
        card = self.card(self.leads, **filters)
        goal = card["goal"]
        self.assertAlmostEqual(goal["target"], 44 * march / 22 + 66 * april / 22)
        count = self.count(first="2026-03-23", after="2026-04-11")[0]
        self.assertAlmostEqual(goal["attainment"], count / 38)
        self.assertEqual((goal["target_text"], goal["status"]), ("≥ 38", "missed"))
        self.assertEqual(
            goal["made_of"],
            "Sum of the shares of 2 goals, March 2026 to April 2026, by working days",
        )
        self.assertTrue(card["bullet"])
        goal = self.card(self.share, **filters)["goal"]
        self.assertAlmostEqual(goal["target"], (0.2 * march + 0.5 * april) / (march + april))
        self.assertIn("Mean of 2 goals", goal["made_of"])
        # nothing is stored, and there is no goal to open
        self.assertIsNone(goal["id"])
        self.assertFalse(self.ask("get_detail", self.leads, filters=filters)["goal_id"])
        self.assertFalse(self.env["crm.kpi.goal"].search_count([("period_kind", "=", "custom")]))

    def test_goals_that_do_not_cover_custom_days(self):
        """Without a goal for a part of the days there is none, unless a longer period has one."""
        filters = self.prepare("2026-03-23", "2026-04-10", "previous")
        self.set_goals(self.leads, {"2026-04-10": 66})
        self.assertIsNone(self.card(self.leads, **filters)["goal"])
        # within April only: 8 of its 22 working days
        inside = self.prepare("2026-04-01", "2026-04-12", "previous")
        goal = self.card(self.leads, **inside)["goal"]
        self.assertAlmostEqual(goal["target"], 66 * 8 / 22)
        self.assertEqual(goal["made_of"], "Share of the goal of April 2026: 8 of 22 working days")
        # 2026 has 261 days from Monday to Friday
        self.set_goals(self.leads, {"2026-04-10": 522}, period_kind="year")
        goal = self.card(self.leads, **filters)["goal"]
        self.assertAlmostEqual(goal["target"], 522 * 15 / 261)
        # a goal of the days themselves comes first
        custom = self.env["crm.kpi.period"].search(
            [("kind", "=", "custom"), ("date_from", "=", "2026-03-23")]
        )
        self.env["crm.kpi.goal"].create(
            {"kpi_id": self.leads.id, "period_id": custom.id, "kind": "at_least", "target": 5}
        )
        goal = self.card(self.leads, **filters)["goal"]
        self.assertEqual((goal["target"], goal["made_of"]), (5, ""))
        # a weekend has no working days, and no share of a count
        weekend = self.prepare("2026-04-11", "2026-04-12", "previous")
        self.assertIsNone(self.card(self.leads, **weekend)["goal"])

    def test_goals_of_custom_days_that_are_not_shared(self):
        """Distinct counts, and goals of other kinds or of other people."""
        customers = self.make_kpi(
            "customers", aggregator="count_distinct", value_field="partner_id"
        )
        self.board.card_ids = [Command.create({"kpi_id": customers.id})]
        self.set_goals(customers, {"2026-04-10": 9})
        self.set_goals(self.leads, {"2026-04-10": 9}, scope="team", team_id=self.north.id)
        self.set_goals(self.amount, {"2026-03-10": 22})
        self.set_goals(self.amount, {"2026-04-10": 44}, kind="at_most")
        filters = self.prepare("2026-04-01", "2026-04-12", "previous")
        for kpi in customers, self.leads:
            self.assertIsNone(self.card(kpi, **filters)["goal"])
        team = {**filters, "scope": "team", "team_id": self.north.id}
        self.assertAlmostEqual(self.card(self.leads, **team)["goal"]["target"], 9 * 8 / 22)
        # not over: judged at the pace, as other goals are
        running = self.prepare("2026-04-01", "2026-04-30", "previous")
        team = {**running, "scope": "team", "team_id": self.north.id}
        goal = self.card(self.leads, **team)["goal"]
        self.assertAlmostEqual(goal["expected"], 10 / 22)
        # four leads of North after 10 of 22 days
        self.assertAlmostEqual(goal["forecast"], 4 * 22 / 10)
        across = self.prepare("2026-03-23", "2026-04-10", "previous")
        self.assertIsNone(self.card(self.amount, **across)["goal"])

    def parts(self):
        return self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "to_date")]
        )

    def test_custom_days_are_compared(self):
        """Custom days are compared with as many days before them, or the same days last year."""
        for comparison, first, after, count in (
            ("previous", "2026-02-07", "2026-03-10", 5),
            ("last_year", "2025-03-10", "2025-04-10", 1),
        ):
            filters = self.prepare("2026-03-10", "2026-04-09", comparison)
            self.assertEqual(self.count(first=first, after=after)[0], count)
            card = self.card(self.leads, self.ann, **filters)
            self.assertEqual(card["change"]["trend"], "better")
            self.assertIn(f"({count})" if count == 5 else f"from {count} (", card["change"]["text"])
            self.assertEqual(self.card(self.leads, self.ann, **filters)["value"], 8)
        self.assertIn("(Mar 10 – Apr 9, 2025)", card["change"]["text"].replace("\u2009", " "))

    def test_custom_days_that_are_not_over(self):
        """The last of eight working days is today: compared with the first seven before them."""
        filters = self.prepare("2026-04-06", "2026-04-15", "last_year")
        # 7 April 2025 is a Monday: seven working days from Sunday the 6th end on the 15th
        self.assertEqual(self.count(first="2026-04-06", after="2026-04-16")[0], 4)
        self.assertEqual(self.count(first="2025-04-06", after="2025-04-16")[0], 2)
        card = self.card(self.leads, self.ann, **filters)
        self.assertIn("from 2 (", card["change"]["text"])
        filters = self.prepare("2026-04-01", "2026-04-21", "previous")
        # ten working days have elapsed; the first ten from 11 March end on the 24th
        self.assertEqual(self.count(first="2026-03-11", after="2026-03-25")[0], 3)
        card = self.card(self.leads, self.ann, **filters)
        text = card["change"]["text"].replace("\u2009", " ")
        self.assertIn("from 3 (Mar 11 – 24, 2026)", text)

    def test_days_to_compare_with_are_kept(self):
        """A refresh keeps what custom days are compared with as long as these days exist."""
        before = self.parts()
        filters = self.prepare("2026-03-10", "2026-04-09", "previous")
        running = self.prepare("2026-04-01", "2026-04-21", "previous")
        self.assertEqual(len(self.parts() - before), 3)
        with freeze_time("2026-04-20 06:00:00"):
            self.refresh()
            for chosen in (filters, running):
                self.assertTrue(self.card(self.leads, self.ann, **chosen)["change"])
        periods = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("looked_at", "!=", False)]
        )
        self.assertEqual(len(periods), 2)
        periods.unlink()
        self.refresh()
        self.assertEqual(len(self.parts()), len(before))

    def test_days_before_the_history_are_not_compared(self):
        self.company.sudo().kpi_history_start = "2026-03-01"
        before = self.parts()
        filters = self.prepare("2026-03-10", "2026-04-09", "previous")
        self.assertFalse(self.card(self.leads, self.ann, **filters)["change"])
        self.assertEqual(self.parts(), before)

    def test_selectable_days(self):
        """Custom days lie between the first record and today, or the days that are shown."""

        def days(**filters):
            chosen = self.choices(self.ann, **filters)["days"]
            if filters:  # the days of the form are there before the choices are read
                self.assertEqual(self.show(self.ann, **filters)["options"]["days"], chosen)
            return chosen["first"], chosen["last"]

        oldest = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "month")]
        )
        first = min(oldest.mapped("date_from")).isoformat()
        self.assertEqual(days(), (first, "2026-04-15"))
        filters = {"period_kind": "custom", "date": "2026-03-10", "date_to": "2026-05-09"}
        self.boards.with_user(self.ann).prepare_period(self.board.id, filters)
        self.assertEqual(days(**filters), (first, "2026-05-09"))
        self.company.sudo().kpi_history_start = "2026-03-03"
        self.assertEqual(days(), ("2026-03-03", "2026-04-15"))

    def test_unused_custom_periods_are_deleted(self):
        filters = {"date": "2026-03-10", "date_to": "2026-04-09"}
        boards = self.boards.with_user(self.ann)
        looked, kept = (
            self.env["crm.kpi.period"].browse(boards.prepare_period(self.board.id, days))
            for days in (filters, {**filters, "date_to": "2026-04-08"})
        )
        self.env["crm.kpi.goal"].create(
            {"kpi_id": self.leads.id, "period_id": kept.id, "kind": "at_least", "target": 1}
        )
        by_hand = self.env["crm.kpi.period"].create(
            {"company_id": self.company.id, "date_from": "2026-03-01", "date_to": "2026-03-11"}
        )
        self.env["crm.kpi.period"]._gc_board_periods()
        self.assertTrue(looked.exists())
        with freeze_time("2026-08-01"):
            (looked | kept)._update_states()
            self.env["crm.kpi.period"]._gc_board_periods()
        self.assertFalse(looked.exists())
        self.assertEqual((kept | by_hand).exists(), kept | by_hand)

    def test_fiscal_year(self):
        """A year from April is compared with the same working days of the previous one."""
        self.assertNotIn("fiscal", dict(self.show()["options"]["kinds"]))
        self.assertEqual(self.show(period_kind="fiscal")["filters"]["period_kind"], "year")
        self.company.sudo().write({"fiscalyear_last_month": "3", "fiscalyear_last_day": 31})
        self.refresh()
        shown = self.show(period_kind="fiscal")
        self.assertEqual(dict(shown["options"]["kinds"])["fiscal"], "Fiscal year")
        self.assertEqual(
            (shown["period"]["date_from"], shown["period"]["date_to"]), ("2026-04-01", "2027-03-31")
        )
        card = shown["cards"][0]
        self.assertEqual(card["value"], 6)
        self.assertEqual([point["value"] for point in card["sparkline"]], [12, 6])
        # ten working days: 1 to 14 April 2025
        self.assertTrue(card["change"]["basis_text"].endswith(": 2"))
        last = self.show(period_kind="fiscal", date="last")
        self.assertEqual(last["period"]["date_from"], "2025-04-01")
        self.assertEqual(last["cards"][0]["value"], 12)
        self.assertEqual(
            self.count(first="2025-04-01", after="2026-04-01")[0], last["cards"][0]["value"]
        )

    def test_fiscal_quarter(self):
        """Quarters of a year from March: March to May, compared like calendar quarters."""
        self.assertEqual(self.show(period_kind="fiscal_quarter")["filters"]["period_kind"],
                         "quarter")  # fmt: skip
        self.company.sudo().write({"fiscalyear_last_month": "2", "fiscalyear_last_day": 28})
        for day in ("2025-12-01", "2026-01-13", "2026-01-14"):  # the 1st, 32nd, 33rd working day
            self.make_lead(f"{day} 10:00:00")
        self.refresh()
        shown = self.show(period_kind="fiscal_quarter")
        self.assertEqual(
            [key for key, _name in shown["options"]["kinds"][-3:]],
            ["fiscal_quarter", "fiscal", "custom"],
        )
        self.assertEqual(
            (shown["period"]["date_from"], shown["period"]["date_to"]), ("2026-03-01", "2026-05-31")
        )
        self.assertEqual(shown["period"]["label"], "Q1 FY 2026/27")
        card = shown["cards"][0]
        self.assertEqual(card["value"], self.count(first="2026-03-01", after="2026-06-01")[0])
        self.assertEqual([point["value"] for point in card["sparkline"]], [3, 0, 0, 7, 11])
        # 32 working days from 1 December end on 13 January, from 1 March 2025 on 15 April
        basis = plain(card["change"]["basis_text"]).replace("\u2009", " ")
        self.assertEqual(basis, "Dec 1, 2025 – Jan 13, 2026: 2")
        change = self.card(self.leads, period_kind="fiscal_quarter", comparison="last_year")
        basis = plain(change["change"]["basis_text"]).replace("\u2009", " ")
        self.assertEqual(basis, "Mar 1 – Apr 15, 2025: 3")
        last = self.show(period_kind="fiscal_quarter", date="last")
        self.assertEqual(last["period"]["date_from"], "2025-12-01")
        self.assertEqual(last["cards"][0]["value"], 7)
        with freeze_time("2028-02-29 12:00:00"):
            self.refresh()
            leap = self.show(period_kind="fiscal_quarter")["period"]
            self.assertEqual((leap["date_from"], leap["date_to"]), ("2027-12-01", "2028-02-29"))

    def test_fiscal_quarters_on_the_calendar(self):
        """Quarters of a year to March, June or September are stored once and named by the year."""
        for month, day, label, year in (
            ("3", 31, "Q1 FY 2026/27", "FY 2026/27"),
            ("6", 30, "Q4 FY 2025/26", "FY 2025/26"),
            ("9", 30, "Q3 FY 2025/26", "FY 2025/26"),
        ):
            self.company.sudo().write({"fiscalyear_last_month": month, "fiscalyear_last_day": day})
            self.refresh()
            for kind in ("fiscal_quarter", "quarter"):
                shown = self.show(period_kind=kind)
                self.assertEqual(shown["filters"]["period_kind"], "fiscal_quarter")
                period = shown["period"]
                self.assertEqual(period["label"], label)
                self.assertEqual(period["date_from"], "2026-04-01")
                self.assertEqual(shown["cards"][0]["value"], 6)
            kinds = dict(shown["options"]["kinds"])
            self.assertEqual(kinds["fiscal_quarter"], "Fiscal quarter")
            self.assertNotIn("quarter", kinds)
            self.assertEqual(self.show(period_kind="fiscal")["period"]["label"], year)
        quarters = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("date_from", "=", "2026-04-01"),
             ("date_to", "=", "2026-07-01")]
        )  # fmt: skip
        self.assertEqual(quarters.mapped("kind"), ["quarter"])
        # the company only: the language of the reader changes the words
        self.env["res.lang"]._activate_lang("fr_FR")
        self.assertTrue(quarters.with_context(lang="fr_FR").display_name.startswith("T3"))
        self.company.sudo().write({"fiscalyear_last_month": "12", "fiscalyear_last_day": 31})
        shown = self.show(period_kind="fiscal_quarter")
        self.assertEqual(shown["filters"]["period_kind"], "quarter")
        self.assertEqual(shown["period"]["label"], "Q2 2026")

    def test_names_of_fiscal_periods(self):
        """Names by the last day of the fiscal year, also of years that do not begin on the first."""
        model = self.env["crm.kpi.period"]
        day = fields.Date.to_date("2026-04-15")
        for month, last, quarter, year in (
            ("1", 31, "Q1 FY 2026/27", "FY 2026/27"),  # February to April
            ("2", 28, "Q1 FY 2026/27", "FY 2026/27"),  # March to May
            ("4", 5, "Q1 FY 2026/27", "FY 2026/27"),  # 6 April to 5 July
            ("4", 30, "Q4 FY 2025/26", "FY 2025/26"),  # February to April
            ("11", 30, "Q2 FY 2025/26", "FY 2025/26"),  # March to May
            ("1", 29, None, "FY 2026/27"),  # 30 January: no month has that day every year
        ):
            self.company.sudo().write({"fiscalyear_last_month": month, "fiscalyear_last_day": last})
            model._ensure_fiscal_years(day, day + timedelta(days=1))
            for kind, name in (("fiscal_quarter", quarter), ("fiscal", year)):
                periods = model._on(*model._spans(kind, day, day + timedelta(days=1)))
                self.assertEqual(periods.display_name, name or "Q2 2026", (month, kind))
            self.assertEqual("fiscal_quarter" in dict(model._kinds()), bool(quarter), month)

    def test_series_has_no_gap(self):
        """The week of last year is there for comparison; it is not the week before."""
        card = self.card(self.leads, period_kind="week", comparison="last_year")
        labels = [point["label"] for point in card["sparkline"]]
        self.assertEqual(labels, ["Week 15, 2026", "Week 16, 2026"])
        # two working days of the week, as many as have elapsed of this one
        found = self.count(first="2025-04-14", after="2025-04-16")[0]
        self.assertEqual(card["change"]["basis_text"].split(": ")[1], str(found))
        shown = self.show(period_kind="week", date="2025-04-14")
        self.assertEqual(shown["cards"][0]["value"],
                         self.count(first="2025-04-14", after="2025-04-21")[0])  # fmt: skip

    def test_changed_fiscal_year(self):
        """A former fiscal year keeps its name, values, goals and place on the board."""
        company = self.company.sudo()
        company.write({"fiscalyear_last_month": "1", "fiscalyear_last_day": 31})
        self.refresh()
        former = self.env["crm.kpi.period"].search(
            [("company_id", "=", company.id), ("date_from", "=", "2026-02-01"),
             ("date_to", "=", "2027-02-01")]
        )  # fmt: skip
        quarter = self.env["crm.kpi.period"].search(
            [("company_id", "=", company.id), ("date_from", "=", "2026-02-01"),
             ("date_to", "=", "2026-05-01")]
        )  # fmt: skip
        self.assertEqual((former + quarter).mapped("display_name"),
                         ["FY 2026/27", "Q1 FY 2026/27"])  # fmt: skip
        goals = self.env["crm.kpi.goal"].create(
            [
                {"kpi_id": self.leads.id, "period_id": period.id, "kind": "improve",
                 "improve_by": 0.5, "baseline_kind": "last_year"}
                for period in former | quarter
            ]
        )  # fmt: skip
        self.refresh()
        before = [(goal.value, goal.baseline, goal.target) for goal in goals]
        for period, goal in zip(former | quarter, goals, strict=True):
            last_year = [
                f"{day.year - 1}{day:-%m-%d}" for day in (period.date_from, period.date_to)
            ]
            self.assertEqual(goal.baseline, self.count(first=last_year[0], after=last_year[1])[0])
        company.write({"fiscalyear_last_month": "6", "fiscalyear_last_day": 30})
        self.make_lead("2026-04-14 10:00:00")
        self.refresh()
        self.assertEqual(
            [(goal.value, goal.baseline, goal.target) for goal in goals],
            [(value + 1, baseline, target) for value, baseline, target in before],
        )
        goals.write({"improve_by": 1})  # the former days are still those of a year and quarter
        self.assertEqual(
            [plain(period.display_name).replace("\u2009", " ") for period in former + quarter],
            ["FY 2026/27 (Feb 1, 2026 – Jan 31, 2027)", "Q1 FY 2026/27 (Feb 1 – Apr 30, 2026)"],
        )
        for kind, period in (("fiscal", former), ("fiscal_quarter", quarter)):
            shown = self.show(period_kind=kind)
            self.assertNotEqual(shown["period"]["id"], period.id, "the present one")
            offered = self.choices(period_kind=kind)["periods"]
            self.assertIn(period.id, [choice["id"] for choice in offered])
            shown = self.show(period_kind=kind, date="2026-02-01")
            self.assertEqual(shown["period"]["id"], period.id)
            self.assertEqual(shown["cards"][0]["value"], self.count(first="2026-02-01",
                                                                    after="2026-05-01")[0])  # fmt: skip
            # the former period before it, not one of the present fiscal year that overlaps it
            points = [point["label"] for point in shown["cards"][0]["sparkline"]]
            self.assertEqual(len(points), len(set(points)))
            self.assertTrue(all("(" in label for label in points if "FY" in label), points)

    def test_fiscal_periods_stay(self):
        """Fiscal periods are not deleted, even when no user or only an old board used them."""
        filters = {"date": "2026-02-01", "date_to": "2026-04-30"}
        self.boards.prepare_period(self.board.id, filters)
        self.company.sudo().write({"fiscalyear_last_month": "1", "fiscalyear_last_day": 31})
        self.refresh()
        custom = [("company_id", "=", self.company.id), ("kind", "=", "custom")]
        periods = self.env["crm.kpi.period"].search(custom)
        names = periods.mapped("name")
        self.assertIn("2026-02-01 – 2026-04-30", names)
        self.assertIn("2026-02-01 – 2027-01-31", names)
        with freeze_time("2026-09-01"):
            self.env["crm.kpi.period"]._gc_board_periods()
            self.assertEqual(periods.exists(), periods)

    def test_colleagues_are_not_shown_to_salespeople(self):
        shown = self.show(self.ann, scope="team", user_id=self.bob.id)
        self.assertFalse(shown["filters"]["user_id"])
        self.assertEqual(shown["filters"]["team_id"], self.north.id)
        self.assertIn("may not see the values of this salesperson", shown["notes"][0])
        filters = {"scope": "team", "user_id": self.bob.id}
        offered = self.choices(self.ann, **filters)["users"]
        self.assertEqual(offered, [{"id": self.ann.id, "name": "Ann"}])
        shown = self.show(self.ann, scope="team", team_id=self.south.id)
        self.assertEqual(shown["filters"]["team_id"], self.north.id)
        offered = self.choices(self.ann, scope="team", team_id=self.south.id)["teams"]
        self.assertEqual([team["name"] for team in offered], ["North"])
        self.assertEqual(shown["cards"][0]["value"], 4)
        shown = self.show(self.ann, scope="mine", user_id=self.bob.id)
        self.assertEqual(
            (shown["filters"]["user_id"], shown["cards"][0]["value"]), (self.ann.id, 3)
        )

    def test_without_a_team(self):
        self.env["crm.team.member"].search([("user_id", "=", self.cid.id)]).unlink()
        shown = self.show(self.cid, scope="team")
        self.assertEqual((shown["filters"]["scope"], shown["cards"][0]["value"]), ("mine", 1))
        self.assertIn("in no team", shown["notes"][0])

    def test_reader_of_all_values_without_a_team(self):
        """The company instead of any team, unless the reader chooses "Team"."""
        self.board.scope = "team"
        ada = self.show(self.ada)
        self.assertEqual((ada["filters"]["scope"], ada["notes"]), ("company", []))
        self.assertEqual(self.show(self.ada, scope="team")["filters"]["scope"], "team")
        self.south.user_id = self.ada
        self.assertEqual(self.show(self.ada)["filters"]["team_id"], self.south.id)

    def test_other_companies(self):
        """A company of other users is replaced, and its KPIs are not shown."""
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self.make_kpi("foreign", company_id=elsewhere.id)
        self.board.card_ids = [Command.create({"kpi_id": foreign.id})]
        shown = self.show(company_id=elsewhere.id)
        self.assertEqual(shown["filters"]["company_id"], self.company.id)
        self.assertNotIn(foreign.id, [card["kpi"]["id"] for card in shown["cards"]])
        self.mia.company_ids |= elsewhere
        boards = self.boards.with_user(self.mia).with_context(
            allowed_company_ids=[self.company.id, elsewhere.id]
        )
        here = boards.get_board(self.board.id, {})
        self.assertNotIn(foreign.id, [card["kpi"]["id"] for card in here["cards"]])
        there = boards.get_board(self.board.id, {"company_id": elsewhere.id})
        self.assertEqual(there["filters"]["company_id"], elsewhere.id)
        self.assertIn(foreign.id, [card["kpi"]["id"] for card in there["cards"]])
        self.assertEqual(there["period"]["label"], "Not computed yet")

    def test_segments(self):
        """Values of a segment; its rates are withheld below the minimum size."""
        industry = self.env.ref("crm_kpi.segment_set_industry")
        row = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": row.id})
        leads = self.env["crm.lead"].search(
            [("company_id", "=", self.company.id), ("user_id", "in", (self.ann | self.cid).ids)]
        )
        self.company.sudo().kpi_min_cell = 5
        leads.partner_id = customer
        self.refresh()
        segment = self.env["crm.kpi.segment"].search(
            [("set_id", "=", industry.id), ("name", "=", "Ballooning")]
        )
        shown = self.show(segment_id=segment.id)
        self.assertEqual(shown["filters"]["segment_set_id"], industry.id)
        number, _amount, rate = shown["cards"]
        for card in (number, rate):  # the number of leads would reveal the rate
            self.assertEqual(
                (card["state"], card["value"], card["record_count"], card["state_text"]),
                ("too_few", None, 0, "Too little data in this segment to show a value"),
            )
        # with 4, the two leads without an industry would be known: the total minus these four
        self.company.sudo().kpi_min_cell = 2
        self.refresh()
        self.assertAlmostEqual(self.card(self.share, segment_id=segment.id)["value"], 0.5)
        gone = self.show(segment_id=99999999)
        self.assertFalse(gone["filters"]["segment_id"])
        self.assertEqual(len(gone["notes"]), 1)

    def test_doctests(self):
        for module in (filters_module, trend):
            self.assertFalse(doctest.testmod(module).failed, module)

    # --- SPEED ---

    def test_queries(self):
        """The number of queries does not grow with cards or goals."""
        kpis = [
            self.make_kpi(
                f"more{index}", kind="formula", formula=f"test_big / test_leads + {index}"
            )
            for index in range(9)
        ]
        month = self.period("month", "2026-04-15")
        self.env["crm.kpi.goal"].create(
            [
                {"kpi_id": kpi.id, "period_id": month.id, "kind": "at_least", "target": 1}
                for kpi in kpis
            ]
        )
        self.refresh()
        counts = {}
        for cards in (kpis[:1], kpis[1:]):
            self.board.card_ids = [Command.create({"kpi_id": kpi.id}) for kpi in cards]
            for user in (self.mia, self.ann):
                for _warming in range(2):  # what the registry caches
                    self.show(user)
                    self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                shown = self.show(user)
                counts.setdefault(user, []).append(self.env.cr.sql_log_count - before)
        self.assertEqual(len(shown["cards"]), 12)
        for user, (few, many) in counts.items():
            self.assertLessEqual(many, few, user.name)
            self.assertLessEqual(few, 50, user.name)

    def test_queries_of_names(self):
        """A board reads the names of what is chosen; more people and bars cost no more queries."""

        def queries(**filters):
            for _warming in range(2):  # what the registry caches
                self.show(**filters)
                self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.show(**filters)
            return self.env.cr.sql_log_count - before

        cases = ({}, {"scope": "team", "team_id": self.north.id})
        self.board.card_ids[:1].display = "reps"
        few = [queries(**filters) for filters in cases]
        self.board.card_ids.display = "reps"
        for index in range(12):
            person = self.make_user(f"More{index}", "sales_team.group_sale_salesman")
            self.env["crm.team.member"].create({"crm_team_id": self.north.id, "user_id": person.id})
            self.make_lead("2026-04-10 10:00:00", user_id=person.id, team_id=self.north.id)
        self.refresh()
        for filters, before in zip(cases, few, strict=True):
            self.assertLessEqual(queries(**filters), before)
        self.assertLessEqual(few[0], 50)

    def test_names_of_what_is_chosen(self):
        """All names but those of what is chosen come with the choices."""
        people = {"users": ["Bob"], "teams": ["North"]}
        filters = {"scope": "team", "user_id": self.bob.id}
        shown, offered = self.show(**filters), self.choices(**filters)
        for key, names in people.items():
            self.assertEqual([one["name"] for one in shown["options"][key]], names)
        self.assertEqual([one["label"] for one in shown["options"]["periods"]], ["April 2026"])
        self.assertEqual(shown["can_choose"], {"team": True, "user": True, "company": False})
        names = [one["name"] for one in offered["users"]]
        self.assertEqual(names[-3:], ["Ann", "Bob", "Cid"], "after Administrator")
        self.assertLessEqual({"North", "South"}, {one["name"] for one in offered["teams"]})
        self.assertGreater(len(offered["periods"]), 2)
        self.assertFalse(self.show(self.ann)["can_choose"]["user"])

    def test_people_who_can_be_chosen(self):
        """Members, people of the company, and people with values who left; no others."""
        other = self.env["res.company"].create({"name": "Other KPI company"})
        far = self.make_user("Far", "sales_team.group_sale_salesman", company=other)
        self.cid.active = False
        self.refresh()
        self.assertEqual(self.show(scope="team", user_id=self.cid.id)["filters"]["user_id"],
                         self.cid.id)  # fmt: skip
        self.assertIn("Cid", [one["name"] for one in self.choices(scope="team")["users"]])
        # neither a member nor with values: offered once chosen
        self.assertNotIn("Ada", [one["name"] for one in self.choices(scope="team")["users"]])
        filters = {"scope": "team", "user_id": self.ada.id}
        self.assertEqual(self.show(**filters)["filters"]["user_id"], self.ada.id)
        self.assertIn("Ada", [one["name"] for one in self.choices(**filters)["users"]])
        for user_id in (far.id, 2**30):
            shown = self.show(scope="team", user_id=user_id)
            self.assertFalse(shown["filters"]["user_id"])
            self.assertIn("may not see the values of this salesperson", shown["notes"][0])

    def test_nothing_is_computed_yet(self):
        """A board shows that the company has no period yet."""
        self.env["crm.kpi.period"].sudo().search(
            [("company_id", "=", self.company.id)]
        ).with_context(active_test=False).write({"state": "open"})
        self.env["crm.kpi.period"].sudo().search([("company_id", "=", self.company.id)]).unlink()
        shown = self.show()
        self.assertEqual(shown["period"]["label"], "Not computed yet")
        self.assertEqual({card["state"] for card in shown["cards"]}, {"no_data"})
        self.assertEqual(self.ask("get_explanation", self.leads), [])
        self.assertEqual(self.ask("get_detail", self.leads)["trend"]["points"], [])
