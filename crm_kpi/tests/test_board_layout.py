# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sections of a board, cards with filters of their own, copies, and favorites."""

import io
import json

import openpyxl

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import TransactionCase, freeze_time, tagged

from ..workbook.request import WorkbookRequest
from .common_board import BoardCase

PAGES = ["ir.actions.act_window", "ir.actions.client"]


@tagged("post_install", "-at_install")
class TestBoardLayout(BoardCase):
    def places(self, *places):
        """Replace the cards of the board by cards of the leads with some values."""
        self.board.card_ids = [
            Command.clear(),
            *(
                Command.create({"kpi_id": self.leads.id, "sequence": index, **place})
                for index, place in enumerate(places)
            ),
        ]

    # --- FILTERS OF A CARD ---

    def test_one_kpi_with_several_filters(self):
        """The leads of April 2026, as counted by hand in LEADS: 6, North 4, Cid 1; 15 of 2026."""
        self.places(
            {},
            {"team_id": self.north.id},
            {"user_id": self.cid.id},
            {"period_kind": "year"},
            {"scope": "mine"},
        )
        cards = self.show()["cards"]
        self.assertEqual([card["value"] for card in cards], [6, 4, 1, 15, None])
        self.assertEqual(
            [card["filter_text"] for card in cards], ["", "North", "Cid", "2026", "Mia"]
        )
        self.assertEqual(
            [card["own_filters"] for card in cards],
            [
                {},
                {"team_id": self.north.id},
                {"user_id": self.cid.id},
                {"period_kind": "year"},
                {"scope": "mine"},
            ],
        )
        # the other filters of the board hold for these cards, too
        cards = self.show(date="2026-03-01", scope="team", user_id=self.bob.id)["cards"]
        self.assertEqual([card["value"] for card in cards][:4], [2, 4, 1, 4])
        self.assertEqual(cards[3]["filters"]["date"], "2026-01-01")
        # the detail of a card is asked for with the filters of the card
        self.assertIsNone(cards[0]["filters"])
        detail = self.ask("get_detail", self.leads, filters=cards[1]["filters"])
        self.assertEqual(detail["card"]["value"], 4)

    def test_company_beside_own_values(self):
        self.board.scope = "mine"
        self.places({}, {"scope": "company"})
        cards = self.show(self.ann)["cards"]
        self.assertEqual([card["value"] for card in cards], [3, 6])

    def test_filters_that_the_reader_may_not_use(self):
        """The card of a colleague has no value, instead of the reader's own."""
        self.places({}, {"user_id": self.bob.id}, {"team_id": self.south.id})
        shown = self.show(self.ann, scope="mine")
        for card in shown["cards"][1:]:
            self.assertEqual((card["value"], card["state"]), (None, "not_available"))
            self.assertIn("may not see the values of this", card["state_text"])
            self.assertEqual((card["sparkline"], card["goal"], card["record_count"]), ([], None, 0))
        self.assertEqual(shown["cards"][0]["value"], 3)
        self.assertEqual(shown["notes"], [])

    def test_queries_do_not_grow_with_cards(self):
        counts = []
        for number in (1, 4):
            self.places(*[{"team_id": self.north.id}] * number)
            for _warming in range(2):  # what the registry caches
                self.show()
                self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.show()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])

    # --- WORKBOOK ---

    def workbook(self, user=None, **options):
        """The workbook of the board in March and April 2026."""
        self.env.flush_all()
        request = WorkbookRequest(
            board_id=self.board.id,
            filters={"period_kind": "month", "scope": "company"},
            period_count=2,
            **options,
        )
        export = self.env["crm.kpi.export"].with_user(user or self.mia)
        file = io.BytesIO()
        export.with_company(self.company)._write_workbook(request, file)
        return openpyxl.load_workbook(file, data_only=True)

    def summary(self, book):
        """Value and remark by the name of a line."""
        rows = list(book["Summary"].iter_rows(values_only=True))
        start = next(index for index, row in enumerate(rows) if row[1] == "KPI")
        return [(row[1], row[2], row[13]) for row in rows[start + 1 :] if row[1]]

    def test_workbook_has_each_card(self):
        """One KPI on five cards: a line and a table for each, with the filters in the name."""
        self.places(
            {"team_id": self.north.id},
            {},
            {"user_id": self.cid.id},
            {"period_kind": "year"},
            {"team_id": self.north.id, "display": "trend"},  # the same numbers
        )
        book = self.workbook()
        self.assertEqual(
            [line[:2] for line in self.summary(book)],
            [("Leads · North", 4), ("Leads", 6), ("Leads · Cid", 1), ("Leads · 2026", 15)],
        )
        tables = {}
        for sheet in book:
            title = None
            for row in sheet.iter_rows(values_only=True):
                if row[0] and str(row[0]).split(" · ")[0] == "Leads":
                    title = row[0]
                elif title and row[0] in ("Whole company", "North", "Cid"):
                    tables.setdefault(title, (row[0], *row[1:3]))
        # March and April, as counted by hand; the periods of the year are no columns of the sheet
        self.assertEqual(
            tables,
            {
                "Leads · North": ("North", 4, 4),
                "Leads": ("Whole company", 5, 6),
                "Leads · Cid": ("Cid", 1, 1),
            },
        )
        book = self.workbook(layout="kpi")
        self.assertEqual(len([name for name in book.sheetnames if name.startswith("Leads")]), 3)

    def test_workbook_of_a_card_that_the_reader_may_not_see(self):
        self.places({}, {"user_id": self.bob.id})
        [own, refused] = self.summary(self.workbook(self.ann))
        self.assertEqual(own[:2], ("Leads", 6))
        self.assertNotIn(refused[1], (1, 3, 6))
        self.assertIn("may not see the values of this salesperson", refused[2])

    # --- LAYOUT ---

    def test_layout_is_saved(self):
        layout = [
            {"kpi_id": self.leads.id, "section": "Leads"},
            {"kpi_id": self.leads.id, "section": "Leads", "team_id": self.north.id, "size": "2"},
            {"kpi_id": self.big.id, "section": "Deals", "display": "trend", "period_kind": "year"},
        ]
        board = self.board.with_user(self.mia)
        board.save_layout(layout, {"starts_on": "last", "period_kind": "quarter"})
        shown = self.show()
        self.assertEqual(shown["period"]["label"], "Q1 2026")
        found = [
            {
                "kpi_id": card["kpi"]["id"],
                "section": card["section"],
                **{name: card[name] for name in ("size", "display")},
                **card["own_filters"],
            }
            for card in shown["cards"]
        ]
        standard = {"size": "1", "display": "number"}
        self.assertEqual(found, [{**standard, **card} for card in layout])

    def test_preview_is_what_is_saved(self):
        """Cards that are not saved have the values that they will have, and nothing is stored."""
        layout = [
            {"kpi_id": self.leads.id},
            {"kpi_id": self.amount.id, "team_id": self.north.id, "display": "trend"},
        ]
        number = self.env["crm.kpi.board.card"].search_count([])
        boards = self.boards.with_user(self.mia).with_company(self.company)
        cards = boards.preview_cards(self.board.id, layout, {"scope": "company"})
        self.assertEqual(self.env["crm.kpi.board.card"].search_count([]), number)
        self.assertEqual([card["id"] for card in cards], [0, 1])
        self.board.with_user(self.mia).save_layout(layout)
        saved = self.show()["cards"]
        for card, other in zip(cards, saved, strict=True):
            self.assertEqual({**card, "id": 0}, {**other, "id": 0})
        secret = self.make_kpi("secret", group_ids=[Command.link(self.ref("base.group_system"))])
        hidden = boards.preview_cards(self.board.id, [{"kpi_id": secret.id}, *layout])
        self.assertEqual([card["id"] for card in hidden], [1, 2])

    def test_library(self):
        secret = self.make_kpi("secret", group_ids=[Command.link(self.ref("base.group_system"))])
        self.leads.description = "Leads that came in"
        library = self.boards.with_user(self.ann).get_library()
        ids = [kpi["id"] for kpi in library]
        self.assertNotIn(secret.id, ids)
        [leads] = [kpi for kpi in library if kpi["id"] == self.leads.id]
        self.assertEqual(leads["description"], "Leads that came in")
        self.assertEqual(leads["category"], self.leads.category_id.name)
        # each category is one block
        categories = [kpi["category"] for kpi in library]
        self.assertEqual(categories, sorted(categories, key=categories.index))

    def test_copy(self):
        """A copy is a further board of the user; it replaces no other."""
        self.board.group_ids = self.env.ref("crm_kpi.group_kpi_user")
        board = self.board.with_user(self.ann)
        copy = self.boards.browse(
            board.save_layout([{"kpi_id": self.big.id}], {"name": "Mine"}, False, True)
        )
        self.assertEqual((copy.user_id, copy.name), (self.ann, "Mine"))
        self.assertFalse(copy.origin_id or copy.group_ids)
        names = [entry["name"] for entry in self.show(self.ann)["boards"]]
        self.assertLessEqual({"Leads", "Mine"}, set(names))
        entry = self.show(self.ann, copy)["board"]
        self.assertTrue(entry["own"] and entry["can_edit"])
        copy.with_user(self.ann).unlink()
        self.assertEqual(self.show(self.ann)["board"]["id"], self.board.id)
        with self.assertRaises(AccessError):
            board.unlink()

    def test_title(self):
        """Whose values a board shows."""
        self.assertEqual(self.show()["board"]["title"], f"Leads · {self.company.name}")
        shown = self.show(scope="team", team_id=self.north.id)
        self.assertEqual(shown["board"]["title"], "Leads · North")
        self.assertEqual(self.show(self.ann, scope="mine")["board"]["title"], "Leads · Ann")

    # --- FAVORITES ---

    def favorite(self, user=None, **saved):
        return self.env["ir.filters"].create(
            {
                "name": f"Favorite {saved}",
                "model_id": "crm.kpi.board",
                "user_ids": [Command.set(user.ids if user else [])],
                "is_default": True,
                "context": json.dumps({"crm_kpi_board": saved}),
            }
        )

    def opened(self, user):
        self.env.flush_all()
        shown = self.boards.with_user(user).with_company(self.company).get_board()
        return shown["board"]["id"], shown["filters"]["period_kind"], shown["chosen"]

    def test_default_favorite(self):
        """The own default opens before a shared one, and before the first board."""
        other = self.board.copy({"user_id": False, "name": "Other"})
        self.favorite(board_id=other.id, period_kind="quarter")
        self.favorite(self.ann, board_id=self.board.id, period_kind="week")
        self.assertEqual(self.opened(self.bob), (other.id, "quarter", {"period_kind": "quarter"}))
        self.assertEqual(self.opened(self.ann)[:2], (self.board.id, "week"))
        # a choice counts more
        self.assertEqual(self.show(self.ann)["filters"]["period_kind"], "month")
        other.unlink()
        self.assertNotEqual(self.opened(self.bob)[0], other.id)

    def test_favorites_that_cannot_be_read(self):
        first = self.opened(self.ann)
        for context in ("{", "{'group_by': []}", '{"crm_kpi_board": 3}', "[]"):
            self.favorite(self.ann).context = context
        self.assertEqual(self.opened(self.ann), first)


@tagged("post_install", "-at_install")
class TestCardPeriods(BoardCase):
    def test_period_that_holds_the_chosen_one(self):
        """A card by year beside a past quarter shows the year of the quarter."""
        self.board.card_ids = [
            Command.clear(),
            Command.create({"kpi_id": self.leads.id, "period_kind": "year"}),
        ]
        for day, year in (("2025-04-01", "2025"), ("2026-01-01", "2026")):
            [card] = self.show(period_kind="quarter", date=day)["cards"]
            self.assertEqual(card["filter_text"], year)
        with freeze_time("2026-07-02 06:00:00"):
            self.refresh()
            [card] = self.show(date="last")["cards"]
            self.assertEqual(card["filter_text"], "2025")


@tagged("post_install", "-at_install")
class TestAddresses(TransactionCase):
    def test_pages_have_names_in_their_address(self):
        """No page of these addons has an address such as ``action-552``."""
        data = self.env["ir.model.data"].search(
            [("module", "=like", "crm_kpi%"), ("model", "in", PAGES)]
        )
        pages = [self.env[row.model].browse(row.res_id) for row in data]
        unnamed = [page.xml_id for page in pages if page.target != "new" and not page.path]
        self.assertEqual(unnamed, [])
