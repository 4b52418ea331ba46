# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who sees which boards and values, who may change them, and who is notified."""

import json
from types import SimpleNamespace
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import convert_file

from .common_board import BoardCase


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
        detail = self.ask("get_detail", secret, self.ada)
        self.assertIsNone(detail["card"]["value"])
        self.assertEqual((detail["salespeople"], detail["segments"]), ([], []))
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
