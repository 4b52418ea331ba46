# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

BOARD_KINDS = [
    ("day", "Day"),
    ("week", "Week"),
    ("month", "Month"),
    ("quarter", "Quarter"),
    ("year", "Year"),
]
SCOPES = [("mine", "Mine"), ("team", "Team"), ("company", "Company")]


class CrmKpiBoard(models.Model):
    """A screen of KPIs: which cards in which order, and what it shows when it is opened.

    Boards that come with an addon are never changed, so that upgrades can improve them.
    Who changes one gets a copy of his own, which takes the place of the original for him.
    """

    _name = "crm.kpi.board"
    _description = "KPI Board"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        index="btree_not_null",
        ondelete="cascade",
        copy=False,
        default=lambda self: self.env.user,
        help="Only the owner sees the board. Empty: a board for all, or for the groups below.",
    )
    group_ids = fields.Many2many(
        "res.groups", string="Shown to", help="Of a board without owner. Empty: everybody."
    )
    origin_id = fields.Many2one(
        "crm.kpi.board",
        "Changed from",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The board that this one takes the place of.",
    )
    is_shipped = fields.Boolean(
        "Comes with an addon", readonly=True, copy=False, help="Never changed, only copied."
    )
    period_kind = fields.Selection(BOARD_KINDS, "Period", required=True, default="month")
    comparison = fields.Selection(
        [("previous", "Previous period"), ("last_year", "Same period last year")],
        required=True,
        default="previous",
    )
    scope = fields.Selection(SCOPES, "Whose numbers", required=True, default="company")
    card_ids = fields.One2many("crm.kpi.board.card", "board_id", "Cards", copy=True)

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_guarded(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_guarded(vals)
        return super().write(vals)

    def _check_guarded(self, vals):
        """Refuse what would give a board to others, or protect it from changes."""
        if self.env.su:
            return
        if vals.get("is_shipped"):
            raise AccessError(
                self.env._("Comes with an addon: set by data files only. Leave it empty.")
            )
        owner = vals.get("user_id", self.env.uid)
        manages = self.env.user.has_group("crm_kpi.group_kpi_manager")
        if owner != self.env.uid and (owner or not manages):
            raise AccessError(
                self.env._("Owner: choose yourself. KPI managers may also leave it empty.")
            )

    # --- LAYOUT ---

    @api.model
    def _visible(self):
        """The boards to choose from: changed ones in the place of what they were made from."""
        boards = self.search_fetch([], ["name", "user_id", "origin_id", "is_shipped", "scope"])
        return boards - boards.origin_id

    def _may_edit(self):
        self.ensure_one()
        return not self.is_shipped and self.has_access("write")

    def save_layout(self, cards, vals=None, shared=False):
        """Keep an arrangement of cards, on a copy where the board itself may not be changed.

        Cards of KPIs that the reader does not see stay, behind the others.

        :param cards: list of dicts with ``kpi_id``, ``size`` and ``display``, in order
        :param vals: other values of the board: ``name``, ``period_kind``, ``comparison``, ``scope``
        :param shared: make the copy one for all; for KPI managers
        :return: id of the board that was written
        """
        self.ensure_one()
        allowed = {"name", "period_kind", "comparison", "scope"}
        values = {name: value for name, value in (vals or {}).items() if name in allowed}
        board = self
        if not self._may_edit():
            board = self.copy(
                {
                    "user_id": False if shared else self.env.uid,
                    "origin_id": self.id,
                    "group_ids": [Command.set(self.group_ids.ids if shared else [])],
                }
            )
        shown = board._shown_kpis()
        values["card_ids"] = [
            *(
                Command.delete(card.id)
                if card.kpi_id in shown
                else Command.update(card.id, {"sequence": len(cards)})
                for card in board.card_ids
            ),
            *(
                Command.create(
                    {
                        "kpi_id": card["kpi_id"],
                        "sequence": index,
                        "size": card.get("size") or "1",
                        "display": card.get("display") or "number",
                    }
                )
                for index, card in enumerate(cards)
            ),
        ]
        board.write(values)
        return board.id

    def reset_board(self):
        """Give up a changed board for the one it was made from.

        :return: id of the original
        """
        self.ensure_one()
        origin = self.origin_id
        if not origin:
            raise UserError(
                self.env._("%s was not made from another board. Delete it instead.", self.name)
            )
        self.unlink()
        return origin.id
