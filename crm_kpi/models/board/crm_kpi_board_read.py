# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the board on screen asks for, each in one call."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...board import filters, trend
from ...board.cards import Cards, bars
from ...board.look import Look
from ...board.ranking import Ranking, heat_map
from ...board.why import why


class CrmKpiBoard(models.Model):
    _inherit = "crm.kpi.board"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    @api.readonly
    def get_board(self, board_id=False, wanted=None):
        """All that the screen shows of a board.

        :param board_id: id of a board; none: the first one of the reader
        :param wanted: dict with any of ``period_kind``, ``date`` (``now``, ``last`` for the
            last complete period, or the first day of a period), ``date_to`` (last day of a
            custom period), ``comparison``, ``company_id``, ``scope``, ``team_id``,
            ``user_id``, ``segment_set_id``, ``segment_id``; what is missing, or not the
            reader's to see, is taken from the board, and ``notes`` says so
        """
        boards = self._visible()
        board = boards.filtered(lambda b: b.id == board_id) or boards._first_for_reader()
        if not board:
            raise UserError(
                self.env._("There is no board for you. Ask a KPI manager to show you one.")
            )
        look = Look(board, wanted or {}, board._shown_kpis())
        kpis = look.kpis.filtered(lambda kpi: kpi.company_id.id in (False, look.company.id))
        shown = board.card_ids.with_env(look.env).filtered(lambda card: card.kpi_id in kpis)
        return {
            "boards": [board._board_entry() for board in boards],
            "board": {**board._board_entry(), "layout": board._layout()},
            "filters": filters.filters(look),
            "notes": look.notes,
            "period": filters.period(look),
            "options": filters.options(look),
            **filters.freshness(look),
            "categories": [
                {"id": category.id, "name": category.name} for category in kpis.category_id.sorted()
            ],
            "cards": Cards(look, kpis).board(shown),
        }

    @api.model
    @api.readonly
    def get_detail(self, kpi_id, wanted=None):
        """All about one KPI for the filters of a board.

        :param wanted: as in :meth:`get_board`
        """
        look = self._look_at(kpi_id, wanted)
        kpi = look.kpis
        card = Cards(look, kpi).entry(kpi)
        middle, best = Ranking(look, kpi).summary()
        return {
            "card": card,
            "filters": filters.filters(look),
            "period": filters.period(look),
            "trend": trend.trend(look, kpi),
            "annotations": trend.annotations(look, kpi),
            "reps": bars(look, kpi, look.breakdown(kpi, "user"), "user"),
            "median": {"value": middle, "text": look.worded(kpi, middle)},
            "best": {"value": best, "text": look.worded(kpi, best)},
            "segments": bars(look, kpi, look.breakdown(kpi, "segment"), "segment"),
            "segment_set": look.segment_set.name or "",
            "heat": heat_map(look, kpi),
            "history": trend.history(look, kpi),
            "goal_id": card["goal"] and card["goal"]["id"],
        }

    @api.model
    @api.readonly
    def get_why(self, kpi_id, wanted=None):
        """The records of the period, counted by whether they are in the number or why not."""
        look = self._look_at(kpi_id, wanted)
        look.kpis._check_figures()
        return why(look, look.kpis) if look.period else []

    @api.model
    def open_records(self, kpi_id, wanted=None):
        """Action that opens the records in the number, as far as the reader may see them."""
        look = self._look_at(kpi_id, wanted)
        kpi = look.kpis
        kpi._check_figures()
        if not look.period or not look.may_see(kpi):
            raise AccessError(
                self.env._("%s: this number is not yours to see. Choose your own.", kpi.name)
            )
        return kpi._open_cell_records(look.period, look.cell._asdict())

    @api.model
    @api.readonly
    def get_leaderboard(self, kpi_id, wanted=None, by="value"):
        """Salespeople by their value, or by how much of their own goal they have attained.

        :param by: ``value`` or ``attainment``
        """
        look = self._look_at(kpi_id, wanted)
        look.kpis._check_figures()
        return Ranking(look, look.kpis).board(by if by == "attainment" else "value")

    @api.model
    def prepare_period(self, board_id, wanted):
        """Make a period of free dates and compute the board's KPIs for it.

        :return: id of the period
        """
        board = self.browse(board_id)
        board.check_access("read")
        look = Look(board, {"company_id": wanted.get("company_id")}, board._shown_kpis())
        try:
            date_from = fields.Date.to_date(wanted.get("date"))
            date_to = fields.Date.to_date(wanted.get("date_to"))
        except ValueError:
            date_from = date_to = None
        if not date_from or not date_to or date_to < date_from:
            raise UserError(
                self.env._("Period: choose a first day, and a last day that is not before it.")
            )
        # superuser: a period is nobody's secret, and values are read under record rules
        period = (
            self.env["crm.kpi.period"]
            .sudo()
            ._for_look(look.company, date_from, date_to + timedelta(days=1))
        )
        self.env["crm.kpi"].sudo()._refresh(period, look.kpis.sudo())
        return period.id

    # --- HELPERS ---

    def _look_at(self, kpi_id, wanted):
        """A look at one KPI, of whatever board."""
        kpi = self.env["crm.kpi"].browse(kpi_id)
        kpi.check_access("read")
        board = self.new({"period_kind": "month", "comparison": "previous", "scope": "company"})
        return Look(board, wanted or {}, kpi)

    def _first_for_reader(self):
        """The board to begin with: who may read all numbers hardly asks for his own first."""
        if self.env.user.has_group("crm_kpi.group_kpi_user_all"):
            return (self.filtered(lambda board: board.scope != "mine") or self)[:1]
        return self[:1]

    def _board_entry(self):
        return {
            "id": self.id,
            "name": self.name,
            "own": bool(self.user_id),
            "shipped": self.is_shipped,
            "can_edit": self._may_edit(),
            "origin_id": self.origin_id.id,
        }

    def _layout(self):
        return {
            "period_kind": self.period_kind,
            "comparison": self.comparison,
            "scope": self.scope,
        }

    def _shown_kpis(self):
        """The KPIs of the cards whose figures the reader may read and that are computed."""
        kpis = self.env["crm.kpi"].search(
            [("id", "in", self.card_ids.kpi_id.ids), ("state", "=", "published")]
        )
        return kpis.filtered(lambda kpi: kpi._has_figures())
