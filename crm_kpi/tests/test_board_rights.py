# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who sees which boards and values, who may change them, and who is notified."""

import json
from types import SimpleNamespace
from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, freeze_time, tagged
from odoo.tools import convert_file, mute_logger

from .common_board import NOW, BoardCase


@tagged("post_install", "-at_install")
class TestBoardRecords(BoardCase):
    """Owners of boards, and copies of changed boards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shipped = cls.env.ref("crm_kpi.crm_kpi_board_mine")

    def names(self, user):
        return [board["name"] for board in self.show(user)["boards"]]

    def layout(self, *kpis):
        return [{"kpi_id": kpi.id, "size": "2", "display": "trend"} for kpi in kpis]

    def test_changing_makes_a_copy(self):
        """A change creates a copy that replaces the original; a second change edits the copy."""
        before = self.shipped.card_ids.ids
        shipped = self.shipped.with_user(self.ann)
        copy = self.boards.browse(
            shipped.save_layout(self.layout(self.leads, self.big), {"name": "Mine"})
        )
        self.assertEqual((copy.user_id, copy.origin_id), (self.ann, self.shipped))
        self.assertEqual(copy.card_ids.kpi_id.ids, (self.leads | self.big).ids)
        self.assertEqual(set(copy.card_ids.mapped("display")), {"trend"})
        self.assertFalse(copy.is_shipped)
        self.assertEqual(self.shipped.card_ids.ids, before)
        boards = [board["id"] for board in self.show(self.ann)["boards"]]
        self.assertIn(copy.id, boards)
        self.assertNotIn(self.shipped.id, boards)
        self.assertNotIn(copy.id, [board["id"] for board in self.show(self.bob)["boards"]])
        same = copy.with_user(self.ann).save_layout(self.layout(self.big))
        self.assertEqual(same, copy.id)
        self.assertEqual(copy.card_ids.kpi_id, self.big)

    def test_back_to_the_original(self):
        copy = self.boards.browse(
            self.shipped.with_user(self.ann).save_layout(self.layout(self.leads))
        )
        self.assertEqual(copy.with_user(self.ann).reset_board(), self.shipped.id)
        self.assertFalse(copy.exists())
        self.assertIn(self.shipped.id, [board["id"] for board in self.show(self.ann)["boards"]])
        own = self.boards.with_user(self.ann).create({"name": "New"})
        with self.assertRaisesRegex(UserError, "was not made from another board"):
            own.reset_board()
        with self.assertRaises(UserError):
            self.shipped.with_user(self.ann).reset_board()

    def test_copy_of_a_shared_copy(self):
        """A shared copy replaces the original; a copy of that copy replaces both."""
        shared = self.boards.browse(
            self.shipped.with_user(self.mia).save_layout(self.layout(self.leads), shared=True)
        )
        self.assertFalse(shared.user_id)
        boards = [board["id"] for board in self.show(self.bob)["boards"]]
        self.assertIn(shared.id, boards)
        self.assertNotIn(self.shipped.id, boards)
        own = shared.with_user(self.ann).save_layout(self.layout(self.big))
        boards = [board["id"] for board in self.show(self.ann)["boards"]]
        self.assertIn(own, boards)
        self.assertFalse({shared.id, self.shipped.id} & set(boards))
        with self.assertRaises(AccessError):
            self.shipped.with_user(self.bob).save_layout(self.layout(self.big), shared=True)

    def test_an_upgrade_does_not_change_copies(self):
        """Loading the data file resets the original and does not change the copy."""
        copy = self.boards.browse(
            self.shipped.with_user(self.ann).save_layout(
                self.layout(self.leads), {"name": "Mine", "period_kind": "week"}
            )
        )
        cards = copy.card_ids.ids
        shipped = {card: card.sequence for card in self.shipped.card_ids}
        self.shipped.sudo().write({"period_kind": "year"})
        self.shipped.card_ids[:1].sudo().sequence = 999
        convert_file(
            self.env, "crm_kpi", "data/crm_kpi_board_data.xml", {}, "update", noupdate=False
        )
        self.env.invalidate_all()
        self.assertEqual(self.shipped.period_kind, "month")
        self.assertEqual({card: card.sequence for card in self.shipped.card_ids}, shipped)
        self.assertEqual((copy.period_kind, copy.card_ids.ids), ("week", cards))
        self.assertEqual(copy.with_user(self.ann).name, "Mine")

    def test_shipped_boards_cannot_be_changed(self):
        for user in (self.ann, self.mia, self.ada):
            with self.assertRaises(AccessError):
                self.shipped.with_user(user).name = "Taken"
            with self.assertRaises(AccessError):
                self.shipped.card_ids[:1].with_user(user).sequence = 5
            with self.assertRaises(AccessError):
                self.boards.with_user(user).create({"name": "Fixed", "is_shipped": True})
            self.assertFalse(self.show(user, self.shipped)["board"]["can_edit"])

    def test_salespeople_change_only_their_own_boards(self):
        own = self.boards.with_user(self.ann).create({"name": "Own"})
        other = self.boards.with_user(self.bob).create({"name": "Other"})
        card = own.card_ids.create({"board_id": own.id, "kpi_id": self.leads.id})
        for change in (
            lambda: own.write({"user_id": False}),
            lambda: own.write({"user_id": self.bob.id}),
            lambda: self.boards.with_user(self.ann).create({"name": "All", "user_id": False}),
            lambda: self.board.with_user(self.ann).write({"name": "Taken"}),
            lambda: self.board.with_user(self.ann).unlink(),
            lambda: other.with_user(self.ann).write({"name": "Taken"}),
            lambda: card.write({"board_id": other.id}),
            lambda: card.write({"board_id": self.board.id}),
            lambda: card.with_user(self.bob).unlink(),
        ):
            with self.assertRaises(AccessError):
                change()
        own.write({"name": "Mine now", "user_id": self.ann.id})

    def test_boards_of_others_are_not_seen(self):
        self.boards.with_user(self.bob).create({"name": "Bob's"})
        for user in (self.ann, self.mia, self.ada):
            self.assertNotIn("Bob's", self.names(user))
        self.assertIn("Bob's", self.names(self.bob))
        # the first board is shown instead
        board = self.boards.search([("name", "=", "Bob's")])
        self.assertNotEqual(self.show(self.ann, board)["board"]["name"], "Bob's")

    def test_boards_for_groups(self):
        self.board.group_ids = self.env.ref("sales_team.group_sale_manager")
        self.assertIn("Leads", self.names(self.mia))
        self.assertNotIn("Leads", self.names(self.ann))
        self.assertNotEqual(self.show(self.ann)["board"]["id"], self.board.id)
        self.assertNotIn("Executive", self.names(self.ann))
        self.assertIn("Executive", self.names(self.mia))

    def test_first_board(self):
        """Readers who do not sell start with the board of their group, or with their copy of it."""

        def first(user):
            self.env.flush_all()
            boards = self.boards.with_user(user).with_company(self.company)
            return boards.get_board()["board"]["id"]

        agents = self.env["res.groups"].create({"name": "Agents"})
        self.board.write({"group_ids": [Command.set(agents.ids)], "sequence": 99})
        agent = self.make_user("Gus", "crm_kpi.group_kpi_user")
        self.assertEqual(first(agent), self.shipped.id)
        (agent | self.ann).group_ids = [Command.link(agents.id)]
        self.assertEqual(first(agent), self.board.id)
        # nothing is computed for the shipped boards
        self.assertEqual(first(self.ann), self.board.id)
        self.board.is_shipped = True
        copy = self.board.with_user(agent).save_layout(self.layout(self.big))
        self.assertNotEqual(copy, self.board.id)
        self.assertEqual(first(agent), copy)
        own = self.boards.with_user(agent).create({"name": "Own", "sequence": 1})
        self.assertEqual(first(agent), own.id)

    def test_first_board_has_values(self):
        """A reader starts on the first board with values, whatever group shows it."""

        def first(user):
            self.env.flush_all()
            boards = self.boards.with_user(user).with_company(self.company)
            return boards.get_board()["board"]["id"]

        never = self.make_kpi("never", domain="[('name', '=', 'x')]")
        own, team, company = (
            self.boards.create(
                {
                    "name": scope,
                    "user_id": False,
                    "sequence": -9 + index,
                    "scope": scope,
                    "card_ids": [Command.create({"kpi_id": kpi.id}) for kpi in kpis],
                }
            )
            for index, (scope, kpis) in enumerate(
                (
                    ("mine", (self.leads, self.amount)),
                    ("team", (self.leads, self.amount)),
                    ("company", (self.leads, never)),
                )
            )
        )
        self.refresh()
        marketer = self.make_user("Gus", "crm_kpi.group_kpi_user")
        colleague = self.make_user("Kim", "sales_team.group_sale_salesman")
        self.env["crm.team.member"].create({"crm_team_id": self.north.id, "user_id": colleague.id})
        self.refresh()
        self.assertEqual(first(self.ann), own.id)
        self.assertEqual(first(colleague), team.id)
        # half of the KPIs have values of the company
        self.assertEqual(first(marketer), company.id)
        self.assertEqual(first(self.mia), team.id)  # in no team: the values of the company
        # nothing but values of the month before
        with freeze_time("2026-05-01 06:00:00"):
            self.refresh()
            self.assertEqual(first(self.ann), own.id)

    def test_cards_that_the_reader_does_not_see_stay(self):
        """A manager edits a shared board with a KPI that is hidden from managers."""
        secret = self.make_kpi("secret", group_ids=[Command.link(self.ref("base.group_system"))])
        self.board.card_ids = [Command.create({"kpi_id": secret.id})]
        self.board.with_user(self.mia).save_layout(self.layout(self.big))
        self.assertEqual(self.board.card_ids.kpi_id, self.big | secret)

    def test_kpis_for_some_groups(self):
        """Only members of the groups see the card and its values, not even administrators do."""
        members = self.env["res.groups"].create({"name": "Books"})
        secret = self.make_kpi("secret", group_ids=[Command.link(members.id)])
        self.board.card_ids = [Command.create({"kpi_id": secret.id})]
        self.refresh()
        for user in (self.ann, self.mia, self.ada):
            shown = [card["kpi"]["id"] for card in self.show(user)["cards"]]
            self.assertNotIn(secret.id, shown)
            for method in ("get_explanation", "open_records", "get_leaderboard"):
                with self.assertRaises(AccessError):
                    self.ask(method, secret, user)
        self.assertEqual(self.cells(secret, self.period("month", "2026-04-15"), "user").user_id,
                         self.ann | self.bob | self.cid)  # fmt: skip
        detail = self.ask("get_detail", secret, self.ada)
        self.assertIsNone(detail["card"]["value"])
        self.assertEqual((detail["salespeople"], detail["segments"]), ([], []))
        for name in ("median", "best"):
            self.assertEqual(detail[name], {"value": None, "text": "–", "share": None})
        self.mia.group_ids |= members
        self.assertEqual(self.card(secret, self.mia)["value"], 6)
        self.assertEqual(len(self.ask("get_leaderboard", secret, self.mia)["rows"]), 3)

    def test_parts_for_some_groups(self):
        """The explanation of a formula leaves out components of other groups."""
        members = self.env["res.groups"].create({"name": "Books"})
        self.big.group_ids = members
        for user in (self.ann, self.ada):
            parts = self.ask("get_explanation", self.share, user)
            self.assertEqual([part["name"] for part in parts], ["Leads"])


@tagged("post_install", "-at_install")
class TestOwnValuesOnly(BoardCase):
    """KPIs of which salespeople see only their own values."""

    def test_no_counts_of_others(self):
        """No number of records of a team, a segment or the company, also where no value is stored.

        The segments of a team would add up to its total.
        """
        industry = self.env.ref("crm_kpi.segment_set_industry")
        row = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": row.id})
        self.env["crm.lead"].search([("company_id", "=", self.company.id)]).partner_id = customer
        self.refresh()
        segment = industry.segment_ids.filtered(lambda s: s.industry_id == row)
        never = self.make_kpi("never")
        scopes = {
            "company": {"scope": "company"},
            "team": {"scope": "team", "team_id": self.north.id},
            "user": {"scope": "mine"},
        }
        levels = {"own": {"user"}, "team": {"user", "team"}, "company": {*scopes}}
        for kpi in (self.leads, self.big, never):
            for visibility, readable in levels.items():
                kpi.visibility = visibility
                for level, scope in scopes.items():
                    for of_segment in ({}, {"segment_id": segment.id}):
                        filters = {**scope, **of_segment}
                        with self.subTest(kpi=kpi.code, visibility=visibility, **filters):
                            parts = self.ask("get_explanation", kpi, self.ann, filters)
                            self.assertEqual(bool(parts), level in readable)
                            if level in readable:
                                self.ask("open_records", kpi, self.ann, filters)
                                continue
                            with self.assertRaises(AccessError):
                                self.ask("open_records", kpi, self.ann, filters)

    def test_no_counts_of_components(self):
        """A formula that is shown does not tell the number of records of a component."""
        filters = {"scope": "company"}
        action = self.ask("open_records", self.share, self.ann, filters)
        self.assertIn("4 of 6", action["name"])
        for kpi in self.leads | self.big:
            kpi.visibility = "own"
        action = self.ask("open_records", self.share, self.ann, filters)
        self.assertEqual(action["name"], "share · April 2026")
        shown = self.env["crm.lead"].browse(action["domain"][0][2])
        self.assertEqual((len(shown), shown.user_id), (4, self.ann))  # one has no salesperson
        value = self.cells(self.share, self.period("month", "2026-04-15"), "company")
        name = value.with_user(self.ann).action_open_records()["name"]
        self.assertNotIn(" of ", name)

    def test_no_counts_of_withheld_values(self):
        """The title of the records does not tell the number behind a withheld value."""
        row = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": row.id})
        people = (self.ann | self.cid).ids
        leads = [("company_id", "=", self.company.id), ("user_id", "in", people)]
        self.env["crm.lead"].search(leads).partner_id = customer
        segments = self.env.ref("crm_kpi.segment_set_industry").segment_ids
        for least, told in ((0, True), (5, False)):
            self.company.sudo().kpi_min_cell = least
            self.refresh()
            segment = segments.search([("industry_id", "=", row.id)])
            filters = {"scope": "company", "segment_id": segment.id}
            for kpi in self.leads | self.share:
                name = self.ask("open_records", kpi, self.ann, filters)["name"]
                self.assertEqual("3 of 4" in name, told, (kpi.code, least, name))


@tagged("post_install", "-at_install")
class TestFreeDays(BoardCase):
    """Days that users choose on a board are limited in length, place and number."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.board.card_ids.unlink()  # which values are computed does not matter here

    def prepare(self, first, last, user=None):
        boards = self.boards.with_user(user or self.ann).with_company(self.company)
        with patch.object(type(self.env["crm.kpi"]), "_refresh"):
            period_id = boards.prepare_period(self.board.id, {"date": first, "date_to": last})
        return self.env["crm.kpi.period"].browse(period_id)

    def test_bounds(self):
        """From the start of the history, or the last twenty years, to a year ahead."""
        for days in (
            ("0011-01-01", "9999-12-31"),
            ("0011-01-01", "9999-12-30"),
            ("1500-01-01", "2400-12-31"),
            ("2026-04-01", "2027-04-16"),
            ("2006-04-01", "2026-04-14"),
        ):
            with self.assertRaisesRegex(UserError, "last day: choose days from|choose a first day"):
                self.prepare(*days)
        self.prepare("2026-04-01", "2027-04-15")
        self.prepare("2006-05-01", "2006-05-02")
        self.company.sudo().kpi_history_start = "2026-02-01"
        with self.assertRaisesRegex(UserError, "choose days from Feb 1, 2026 to Apr 15, 2027"):
            self.prepare("2026-01-31", "2026-03-01")
        self.prepare("2026-02-01", "2026-03-01")
        with mute_logger("odoo.sql_db"), self.assertRaises(CheckViolation):
            self.company.sudo().kpi_history_start = "0026-02-01"
            self.env.flush_all()

    def test_bounds_of_all_kinds(self):
        """The same for periods that managers create, and for the goals of many days."""
        periods = self.env["crm.kpi.period"].with_user(self.mia)
        for kind, first, after in (
            ("day", "9999-01-01", "9999-01-02"),
            ("month", "1500-01-01", "1500-02-01"),
            ("year", "2400-01-01", "2401-01-01"),
            ("custom", "0011-01-01", "9999-12-31"),
        ):
            with self.assertRaisesRegex(UserError, "choose days from"):
                periods.create({"kind": kind, "date_from": first, "date_to": after})
        periods.create({"kind": "year", "date_from": "2029-01-01", "date_to": "2030-01-01"})
        own = periods.create({"date_from": "2026-04-01", "date_to": "2026-04-03"})
        with self.assertRaisesRegex(UserError, "choose days from"):
            own.date_to = "9999-01-01"
        wizard = self.env["crm.kpi.goal.set"].with_user(self.mia).create(
            {
                "kpi_id": self.leads.id,
                "period_kind": "day",
                "date_from": "0001-01-01",
                "date_end": "9999-12-31",
                "target": 5,
            }
        )  # fmt: skip
        with self.assertRaisesRegex(UserError, "choose days from"):
            wizard.action_set()

    def test_days_in_the_address(self):
        """A board shows its running period instead of days outside of the calendar."""
        self.company.sudo().write({"fiscalyear_last_month": "3", "fiscalyear_last_day": 31})
        self.refresh()
        for kind in ("fiscal", "fiscal_quarter", "month", "day"):
            for day in ("0001-01-01", "9999-12-31"):
                shown = self.show(self.ann, period_kind=kind, date=day)
                self.assertEqual(len(shown["notes"]), 1, (kind, day))
        self.assertEqual(
            self.show(self.ann, period_kind="custom", date="0001-01-01", date_to="9999-12-31")[
                "filters"
            ]["period_kind"],
            "month",
        )

    def test_number_of_periods(self):
        """Twenty for each user; older ones are replaced, but not more than twenty an hour."""
        with freeze_time(NOW) as clock:
            made = [self.prepare("2026-03-01", f"2026-03-{day:02}") for day in range(1, 21)]
            self.assertEqual(self.prepare("2026-03-01", "2026-03-05"), made[4])
            with self.assertRaisesRegex(UserError, "20 new ranges of days within an hour"):
                self.prepare("2026-03-01", "2026-03-21")
            self.prepare("2026-03-01", "2026-03-21", self.bob)
            # the time at which a record is created is that of the database
            self.env.cr.execute(
                "UPDATE crm_kpi_period SET create_date = %s WHERE id = ANY(%s)",
                ["2026-04-15 05:00:00", [period.id for period in made]],
            )
            self.env.invalidate_all()
            clock.tick(3600)
            self.prepare("2026-03-01", "2026-03-01")  # shown again: the second one is the oldest
            self.env["crm.kpi.goal"].create(
                {"kpi_id": self.leads.id, "period_id": made[1].id, "kind": "at_least", "target": 1}
            )
            made.append(self.prepare("2026-03-01", "2026-03-22"))
            self.assertTrue(all(period.exists() for period in made))  # one has a goal
            made.append(self.prepare("2026-03-01", "2026-03-23"))
        self.assertEqual([p for p in made if not p.exists()], [made[2]])

    def test_users_delete_their_own(self):
        own = self.prepare("2025-03-01", "2025-03-02")
        self.assertEqual((own.state, own.create_uid), ("locked", self.ann))
        month = self.period("month", "2026-03-10")
        for user, period in (
            (self.bob, own), (self.mia, own), (self.ann, month), (self.mia, month),
        ):  # fmt: skip
            with self.assertRaises(AccessError):
                period.with_user(user).unlink()
        goal = self.env["crm.kpi.goal"].create(
            {"kpi_id": self.leads.id, "period_id": own.id, "kind": "at_least", "target": 1}
        )
        with self.assertRaisesRegex(UserError, "has goals"):
            own.with_user(self.ann).unlink()
        goal.unlink()
        own.with_user(self.ann).unlink()
        self.assertFalse(own.exists())
        self.prepare("2026-03-01", "2026-03-02").with_user(self.ada).unlink()

    def test_periods_from_before_the_limits(self):
        """A period of centuries is deleted by the next clean-up, its fiscal year is not sought."""
        self.company.sudo().write({"fiscalyear_last_month": "3", "fiscalyear_last_day": 31})
        own = self.prepare("2026-03-01", "2026-03-02")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_kpi_period SET date_from = '0011-01-01', date_to = '9999-12-31'"
            " WHERE id = %s",
            [own.id],
        )
        self.env.invalidate_all()
        with patch.object(type(self.company), "compute_fiscalyear_dates") as days:
            self.assertIn("9999", own.display_name)
            self.assertFalse(days.called)
        self.env["crm.kpi.period"]._gc_board_periods()
        self.assertFalse(own.exists())


@tagged("post_install", "-at_install")
class TestRanking(BoardCase):
    """Ann has three leads, Bob and Cid one each."""

    def rows(self, user, kpi=None, **kwargs):
        result = self.ask("get_leaderboard", kpi or self.leads, user, **kwargs)
        return [(row["rank"], row["name"], row["value_text"]) for row in result["rows"]]

    def test_names_for_readers_of_all_values(self):
        self.company.sudo().write({"kpi_ranking": "off", "kpi_ranking_min": 10})
        for user in (self.mia, self.ada):
            self.assertEqual(self.rows(user), [(1, "Ann", "3"), (2, "Bob", "1"), (2, "Cid", "1")])

    def test_colleagues_without_names(self):
        """Ids of colleagues and targets that could identify them are not returned."""
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.leads.id,
                "period_id": self.period("month", "2026-04-15").id,
                "kind": "at_least",
                "scope": "user",
                "user_id": self.ann.id,
                "target": 4,
            }
        )
        self.assertEqual(
            self.rows(self.bob), [(1, "Colleague", "3"), (2, "Bob", "1"), (2, "Colleague", "1")]
        )
        result = self.ask("get_leaderboard", self.leads, self.bob)
        self.assertEqual(
            [(row["user_id"], row["target_text"]) for row in result["rows"] if not row["mine"]],
            [(None, "")] * 2,
        )
        self.assertEqual(set(result), {"mode", "by", "rows", "note"})

    def test_names_where_the_company_shows_them(self):
        self.company.sudo().kpi_ranking = "names"
        self.assertEqual(
            [name for _rank, name, _text in self.rows(self.cid)], ["Ann", "Bob", "Cid"]
        )

    def test_no_ranking(self):
        self.company.sudo().kpi_ranking = "off"
        result = self.ask("get_leaderboard", self.leads, self.ann)
        self.assertEqual(result["rows"], [])
        self.assertIn("does not rank", result["note"])

    def test_too_few_for_a_ranking(self):
        self.company.sudo().kpi_ranking_min = 4
        result = self.ask("get_leaderboard", self.leads, self.ann)
        self.assertEqual(
            (result["rows"], result["note"]), ([], "Too few salespeople for a ranking.")
        )

    def test_ranking_respects_the_visibility_of_the_kpi(self):
        self.leads.visibility = "own"
        self.assertEqual(self.rows(self.ann), [])
        self.leads.visibility = "team"
        self.assertEqual(self.rows(self.ann), [])  # two of North are too few
        self.company.sudo().kpi_ranking_min = 2
        self.assertEqual(self.rows(self.ann), [(1, "Ann", "3"), (2, "Colleague", "1")])

    def test_by_attainment_of_own_goals(self):
        """Bob attained a goal of one, Ann half of a goal of six; Cid has no goal."""
        month = self.period("month", "2026-04-15")
        for user, target in ((self.ann, 6), (self.bob, 1)):
            self.env["crm.kpi.goal"].create(
                {
                    "kpi_id": self.leads.id,
                    "period_id": month.id,
                    "kind": "at_least",
                    "scope": "user",
                    "user_id": user.id,
                    "target": target,
                }
            )
        result = self.ask("get_leaderboard", self.leads, by="attainment")
        self.assertEqual(
            [(row["name"], row["attainment_text"], row["share"]) for row in result["rows"]],
            [("Bob", "100\u00a0%", 1.0), ("Ann", "50\u00a0%", 0.5)],
        )

    def test_least_is_first_where_less_is_better(self):
        self.leads.direction = "decrease"
        self.assertEqual([rank for rank, _name, _text in self.rows(self.mia)], [1, 1, 3])
        self.assertEqual(self.rows(self.mia)[-1][1], "Ann")

    def test_team(self):
        filters = {"scope": "team", "team_id": self.north.id}
        self.assertEqual(
            [name for _rank, name, _text in self.rows(self.mia, filters=filters)], ["Ann", "Bob"]
        )

    def test_small_samples_are_not_ranked(self):
        """The rate needs four records, which no salesperson has."""
        self.assertEqual(self.rows(self.mia, self.share), [])
        self.share.min_sample = 1
        self.assertEqual(self.rows(self.mia, self.share)[0], (1, "Cid", "100\u00a0%"))


@tagged("post_install", "-at_install")
class TestBoardSurroundings(BoardCase):
    """Annotations, periods and messages."""

    def test_annotations(self):
        notes = self.env["crm.kpi.annotation"]
        note = notes.with_user(self.mia).create({"name": "Fair", "date": "2026-04-01"})
        self.assertEqual(note.company_id, self.company)
        for change in (
            lambda: notes.with_user(self.ann).create({"name": "No"}),
            lambda: note.with_user(self.ann).write({"name": "No"}),
            lambda: note.with_user(self.ann).unlink(),
        ):
            with self.assertRaises(AccessError):
                change()
        self.assertEqual(note.with_user(self.ann).name, "Fair")
        members = self.env["res.groups"].create({"name": "Books"})
        self.leads.group_ids = members
        note.sudo().kpi_id = self.leads
        self.assertFalse(notes.with_user(self.ann).search([("id", "=", note.id)]))
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = notes.create({"name": "There", "company_id": elsewhere.id})
        self.assertFalse(notes.with_user(self.mia).search([("id", "=", foreign.id)]))

    def test_periods(self):
        """Salespeople create custom periods only through a board, and cannot change periods."""
        periods = self.env["crm.kpi.period"].with_user(self.ann)
        span = {"date_from": "2026-03-10", "date_to": "2026-03-12"}
        with self.assertRaises(AccessError):
            periods.create(span)
        filters = {"date": "2026-03-10", "date_to": "2026-03-11"}
        period = periods.browse(
            self.boards.with_user(self.ann).prepare_period(self.board.id, filters)
        )
        with self.assertRaises(AccessError):
            period.write({"date_to": "2026-03-13"})
        with self.assertRaises(AccessError):
            period.with_user(self.mia).write({"looked_at": "2027-01-01"})
        # not for boards that the user may not see
        self.board.group_ids = self.env.ref("sales_team.group_sale_manager")
        with self.assertRaises(AccessError):
            self.boards.with_user(self.ann).prepare_period(self.board.id, filters)

    def test_parts_and_locks(self):
        """Parts of periods are never locked; other periods can be locked as usual."""
        parts = self.env["crm.kpi.period"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "to_date")]
        )
        self.assertEqual(set(parts.mapped("state")), {"provisional"})
        parts.sudo()._update_states()
        self.assertEqual(set(parts.mapped("state")), {"provisional"})
        march = self.period("month", "2026-03-10")
        march.with_user(self.mia).action_lock()
        self.make_lead("2026-03-03 10:00:00")
        self.refresh()
        self.assertEqual(self.value(self.leads, march), 5)
        self.assertTrue(march.restatement_ids)

    def channels(self, user):
        session = SimpleNamespace(session=SimpleNamespace(uid=user.id))
        with patch("odoo.addons.bus.models.ir_websocket.request", session):
            channels = self.env["ir.websocket"].with_user(user)._build_bus_channel_list([])
        return [channel for channel in channels if isinstance(channel, tuple)]

    def test_who_is_notified_of_a_refresh(self):
        channel = (self.company, "crm_kpi")
        stranger = self.make_user("Stranger", "base.group_user")
        self.assertIn(channel, self.channels(self.ann))
        self.assertNotIn(channel, self.channels(stranger))
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.assertNotIn((elsewhere, "crm_kpi"), self.channels(self.ann))

    def test_message(self):
        """One message per company and refresh with changes; it contains no values."""
        sent = []
        bus = self.registry["bus.bus"]
        with patch.object(
            bus,
            "_sendone",
            lambda _self, channel, kind, message: sent.append((channel, kind, message)),
        ):
            month = self.period("month", "2026-04-15")
            self.env["crm.kpi"]._refresh(month, self.leads | self.share)
            self.assertFalse([one for one in sent if one[1] == "crm_kpi/refreshed"])
            self.make_lead("2026-04-10 10:00:00")
            self.env["crm.kpi"]._refresh(month, self.leads | self.share)
        sent = [one for one in sent if one[1] == "crm_kpi/refreshed"]
        self.assertEqual(sent, [((self.company, "crm_kpi"), "crm_kpi/refreshed", {})])


@tagged("post_install", "-at_install")
class TestBoardOverHttp(BoardCase, HttpCase):
    """Calls of each role over JSON-RPC; reading uses read-only transactions."""

    def rpc(self, user, method, *args):
        self.authenticate(user.login, user.login)
        response = self.url_open(
            "/web/dataset/call_kw",
            data=json.dumps(
                {
                    "params": {
                        "model": "crm.kpi.board",
                        "method": method,
                        "args": args,
                        "kwargs": {"context": {"allowed_company_ids": self.company.ids}},
                    }
                }
            ),
            headers={"Content-Type": "application/json"},
        )
        answer = response.json()
        if "error" in answer:
            return answer["error"]["data"]["name"]
        return answer["result"]

    def test_roles(self):
        for name in ("get_board", "get_detail", "get_explanation", "get_leaderboard"):
            self.assertTrue(getattr(self.boards, name)._readonly, name)
        self.leads.visibility = "team"
        filters = {"scope": "company"}
        for user, company, names in (
            (self.ann, None, []),
            (self.mia, 6, ["Ann", "Bob", "Cid"]),
            (self.ada, 6, ["Ann", "Bob", "Cid"]),
        ):
            shown = self.rpc(user, "get_board", self.board.id, filters)
            self.assertEqual(shown["cards"][0]["value"], company, user.name)
            self.assertEqual(
                self.rpc(user, "get_detail", self.leads.id, filters)["card"]["value"], company
            )
            self.assertEqual(
                bool(self.rpc(user, "get_explanation", self.leads.id, filters)), bool(company)
            )
            rows = self.rpc(user, "get_leaderboard", self.leads.id, filters)["rows"]
            self.assertEqual([row["name"] for row in rows], names)
        records = self.rpc(self.ann, "open_records", self.leads.id, filters)
        self.assertEqual(records, "odoo.exceptions.AccessError")
        stranger = self.make_user("Stranger", "base.group_user")
        self.env.flush_all()
        for method, record in (
            ("get_board", self.board), ("get_detail", self.leads), ("get_leaderboard", self.leads),
        ):  # fmt: skip
            self.assertEqual(
                self.rpc(stranger, method, record.id, {}), "odoo.exceptions.AccessError"
            )

    def test_private_methods_stay_private(self):
        for method in ("_visible", "_kpi_context", "_shown_kpis"):
            self.assertNotIsInstance(self.rpc(self.mia, method, self.leads.id), (dict, list))
