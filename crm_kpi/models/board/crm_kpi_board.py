# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from dataclasses import asdict, replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ...board import header, trend
from ...board.attention import TOPICS, attention, attention_action
from ...board.breakdown import bars, heat_map, longest_bar, mark
from ...board.cards import Cards
from ...board.context import BoardContext
from ...board.explain import explain, open_part
from ...board.filters import LAST_COMPLETE, RUNNING, Filters, read_id
from ...board.large_records import cautions, has_sums
from ...board.layout import OWN_FILTERS, board_cards
from ...board.ranking import Ranking
from ...board.scorecard import Arrangement, Scorecard
from ...definitions.changes import definition_changes
from ...entries.reminder import EntriesDue
from .crm_kpi_board_card import BOARD_KINDS, SCOPES

#: Key in the context of a favorite (``ir.filters``): the board and its filters.
FAVORITE = "crm_kpi_board"
#: Share of the KPIs that must have values for a board to be opened first.
ENOUGH_VALUES = 0.5


class CrmKpiBoard(models.Model):
    """A screen of KPIs: its cards in their order, and the defaults of its filters.

    Boards that come with an addon are never changed, so that upgrades can improve them. A user
    who changes one gets a copy, which replaces the original for this user.
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
        help="Only the owner sees the board. Leave empty for a shared board.",
    )
    group_ids = fields.Many2many(
        "res.groups",
        string="Shown to",
        help="Groups that see a shared board. Leave empty to show it to all users.",
    )
    origin_id = fields.Many2one(
        "crm.kpi.board",
        "Changed from",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The board that this copy replaces.",
    )
    is_shipped = fields.Boolean(
        "Comes with an addon",
        readonly=True,
        copy=False,
        help="Users cannot change it. A change creates a copy.",
    )
    period_kind = fields.Selection(BOARD_KINDS, "Period", required=True, default="month")
    starts_on = fields.Selection(
        [(RUNNING, "Current period"), (LAST_COMPLETE, "Last complete period")],
        required=True,
        default=RUNNING,
        help="Choose the last complete period for KPIs that are known only when it is over, such "
        "as retention.",
    )
    comparison = fields.Selection(
        [("previous", "Previous period"), ("last_year", "Same period last year")],
        required=True,
        default="previous",
    )
    scope = fields.Selection(SCOPES, "Values of", required=True, default="company")
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
        """Refuse values that give a board to other users or mark it as shipped."""
        if self.env.su:
            return
        if vals.get("is_shipped"):
            raise AccessError(
                self.env._("Comes with an addon: only data files can set this. Leave it empty.")
            )
        owner = vals.get("user_id", self.env.uid)
        manages = self.env.user.has_group("crm_kpi.group_kpi_manager")
        if owner != self.env.uid and (owner or not manages):
            raise AccessError(
                self.env._("Owner: select yourself. Only KPI managers can leave it empty.")
            )

    # --- LAYOUT ---

    @api.model
    def _visible(self):
        """The boards to choose from. A copy replaces the board that it was made from."""
        boards = self.search_fetch([], ["name", "user_id", "origin_id", "is_shipped", "scope"])
        return boards - boards.origin_id

    def _may_edit(self):
        self.ensure_one()
        return not self.is_shipped and self.has_access("write")

    def save_layout(self, cards, vals=None, shared=False, as_copy=False):
        """Save the cards, on a copy where the reader may not change the board itself.

        Cards of KPIs that the reader may not see are kept after the other cards.

        :param cards: list of dicts with ``kpi_id``, ``size``, ``display``, ``section`` and filters
            of the card, in order
        :param vals: dict of ``name``, ``period_kind``, ``starts_on``, ``comparison`` or ``scope``
        :param shared: whether a copy is for all users; only for KPI managers
        :param as_copy: whether to create a further board, which replaces no other
        :return: id of the board that was written
        """
        self.ensure_one()
        allowed = {"name", "period_kind", "starts_on", "comparison", "scope"}
        values = {name: value for name, value in (vals or {}).items() if name in allowed}
        board = self
        if as_copy or not self._may_edit():
            board = self.copy(
                {
                    "user_id": False if shared else self.env.uid,
                    "origin_id": False if as_copy else self.id,
                    "group_ids": [Command.set(self.group_ids.ids if shared else [])],
                }
            )
            if not shared and not as_copy:
                self.env["crm.kpi.follow"]._move(self, board)
        shown = board._shown_kpis()
        values["card_ids"] = [
            *(
                Command.delete(card.id)
                if card.kpi_id in shown
                else Command.update(card.id, {"sequence": len(cards)})
                for card in board.card_ids
            ),
            *(
                Command.create({**_card_values(card), "sequence": index})
                for index, card in enumerate(cards)
            ),
        ]
        board.write(values)
        # superuser: only the place of cards that the user may not read, on a board that the user
        # may write
        hidden = board.sudo().card_ids - board.card_ids.sudo()
        hidden.sequence = len(cards)
        return board.id

    def reset_board(self):
        """Delete a copy, so that its original is shown again.

        :return: id of the original
        """
        self.ensure_one()
        origin = self.origin_id
        if not origin:
            raise UserError(
                self.env._("%s was not made from another board. Delete it instead.", self.name)
            )
        self.env["crm.kpi.follow"]._move(self, origin)
        self.unlink()
        return origin.id

    # --- READING ---

    @api.model
    @api.readonly
    def get_board(self, board_id=False, filters=None):
        """Everything that the screen shows of a board, in one call.

        :param board_id: without id and filters, the default favorite of the reader, or else the
            first board on which the reader has values
        :param filters: dict, see :class:`~odoo.addons.crm_kpi.board.filters.Filters`. A filter
            that is missing or may not be used is replaced by the default of the board;
            ``notes`` then says so.
        """
        boards = self._visible()
        if not board_id and not filters and (favorite := self._default_favorite()):
            board_id, filters = favorite.pop("board_id", None), favorite
        board = boards.filtered(lambda b: b.id == board_id) or boards._first_for_reader()
        if not board:
            raise UserError(
                self.env._("There is no board for you. Ask a KPI manager to share one with you.")
            )
        context = BoardContext(board, Filters.parse(filters), board._shown_kpis())
        kpis = context.kpis.filtered(lambda kpi: kpi.company_id.id in (False, context.company.id))
        shown = board.card_ids.with_env(context.env).filtered(lambda card: card.kpi_id in kpis)
        return {
            "boards": [board._board_entry() for board in boards],
            "board": {
                **board._board_entry(),
                "layout": board._layout(),
                "title": context.title(board),
                "followed": self._is_followed(board, context),
            },
            "chosen": filters or {},
            "filters": context.filters.to_dict(),
            "notes": context.notes,
            "period": asdict(header.period_info(context)),
            "options": header.chosen_names(context),
            "can_choose": header.can_choose(context),
            **asdict(header.freshness(context)),
            "categories": [
                {"id": category.id, "name": category.name} for category in kpis.category_id.sorted()
            ],
            "cards": [asdict(card) for card in board_cards(board, context, shown)],
        }

    @api.model
    @api.readonly
    def get_filter_choices(self, board_id, filters=None, kpi_ids=()):
        """What the filters offer.

        Not a part of :meth:`get_board`: it is read when a reader comes to the filters.

        :param filters: those that are in use
        :param kpi_ids: ids of KPIs that are shown instead of those of the board
        """
        board, kpis = self._board_and_kpis(board_id, kpi_ids)
        return header.filter_choices(BoardContext(board, Filters.parse(filters), kpis))

    @api.model
    @api.readonly
    def get_scorecard(self, board_id=False, filters=None, arrangement=None):
        """People, teams or segments in rows and KPIs in columns, in one call.

        Without a board and without columns, the columns are the KPIs that the reader chose for
        themselves, or those of the first board.

        :param filters: as in :meth:`get_board`
        :param arrangement: dict, see :class:`~odoo.addons.crm_kpi.board.scorecard.Arrangement`
        """
        table, offered = self._scorecard(board_id, filters, arrangement)
        context, arranged = table.context, table.arrangement
        return {
            **offered,
            "kpi_ids": table.kpis.ids,
            "filters": context.filters.to_dict(),
            "notes": context.notes + table.notes(),
            "period": asdict(header.period_info(context)),
            "options": header.chosen_names(context),
            "can_choose": header.can_choose(context),
            **asdict(header.freshness(context)),
            "arrangement": {
                "rows": arranged.rows,
                "sort": arranged.sort,
                "reverse": arranged.reverse,
            },
            "basis_text": table.basis_text(),
            "columns": [asdict(column) for column in table.columns()],
            "total": asdict(table.total()),
            "rows": [asdict(row) for row in table.rows()],
            "row_count": len(table.order),
        }

    @api.model
    def _scorecard(self, board_id, filters, arrangement):
        """The :class:`Scorecard` of :meth:`get_scorecard`, and a dict of what can be chosen."""
        boards = self._visible()
        board = boards.filtered(lambda b: b.id == board_id) or boards._first_for_reader()
        if not board:
            raise UserError(
                self.env._("There is no board for you. Ask a KPI manager to share one with you.")
            )
        arranged = Arrangement.parse(arrangement)
        choices = self._readable_kpis().filtered(lambda kpi: not kpi.is_component)
        # superuser: the user's own choice
        own = self.env.user.sudo().kpi_ids.sudo(False) & choices
        columns = choices.browse(arranged.kpi_ids or ()) & choices
        choice = "columns" if columns else ""
        if not columns and not board_id and own:
            columns, choice = own, "own"
        columns = columns or board.card_ids.sorted().kpi_id & board._shown_kpis()
        chosen = arranged.limit(Filters.parse(filters))
        if not chosen.scope and (
            board.scope == "mine" or not self.env.user.has_group("crm_kpi.group_kpi_user_all")
        ):
            chosen = replace(chosen, scope="team")
        context = BoardContext(board, chosen, columns)
        kpis = context.kpis.filtered(lambda kpi: kpi.company_id.id in (False, context.company.id))
        offered = {
            "boards": [board._board_entry() for board in boards],
            "board": board._board_entry(),
            "choice": choice,
            "has_own": bool(own),
            "choices": [
                {"id": kpi.id, "name": kpi.name, "category": kpi.category_id.name}
                for kpi in choices
            ],
        }
        return Scorecard(context, Cards(context, kpis), arranged), offered

    @api.model
    @api.readonly
    def preview_cards(self, board_id, cards, filters=None):
        """Cards that are not saved, as the board would show them.

        :param cards: as in :meth:`save_layout`
        :return: list of cards whose ``id`` is the index in ``cards``; those that the reader may
            not see are missing
        """
        board = self._existing_board(board_id)
        values = [_card_values(card) for card in cards]
        ids = [card["kpi_id"] for card in values]
        context = BoardContext(board, Filters.parse(filters), self._readable_kpis(ids))
        model = context.env["crm.kpi.board.card"]
        places = model.union(
            *(
                model.new({**card, "sequence": index})
                for index, card in enumerate(values)
                if card["kpi_id"] in context.kpis.ids
            )
        )
        shown = board_cards(board, context, places)
        for place, card in zip(places, shown, strict=True):
            card.id = place.sequence
        return [asdict(card) for card in shown]

    @api.model
    @api.readonly
    def get_library(self):
        """The KPIs that can be put on a board, by category."""
        companies = (False, *self.env.companies.ids)
        kpis = self._readable_kpis().filtered(
            lambda kpi: not kpi.is_component and kpi.company_id.id in companies
        )
        return [
            {
                "id": kpi.id,
                "name": kpi.name,
                "category": kpi.category_id.name,
                "description": kpi.description or "",
            }
            for kpi in kpis.sorted(lambda kpi: (kpi.category_id.sequence, kpi.sequence, kpi.name))
        ]

    @api.model
    @api.readonly
    def get_detail(self, kpi_id, filters=None):
        """The details of one KPI: trend, salespeople, segments, definition.

        :param filters: as in :meth:`get_board`
        """
        context = self._kpi_context(kpi_id, filters)
        kpi = context.kpis
        card = Cards(context, kpi).card(kpi)
        spread = Ranking(context, kpi).spread()
        heat = heat_map(context, kpi)
        people = context.breakdown(kpi, "user")
        longest = longest_bar(people[kpi.id], spread.median, spread.best)
        salespeople = bars(context, kpi, people, "user", longest=longest)[kpi.id]
        segments = bars(context, kpi, context.breakdown(kpi, "segment"), "segment")[kpi.id]
        return {
            "card": asdict(card),
            "filters": context.filters.to_dict(),
            "period": asdict(header.period_info(context)),
            "trend": asdict(trend.trend(context, kpi)),
            "annotations": [asdict(note) for note in trend.annotations(context, kpi)],
            "can_annotate": self.env["crm.kpi.annotation"].has_access("create"),
            "can_dismiss": self.env["crm.kpi.dismissal"].has_access("create"),
            "cell": context.cell._asdict(),
            "salespeople": [asdict(bar) for bar in salespeople],
            "salespeople_note": context.withheld_notes(kpi, "user").get(kpi.id, ""),
            "compared": spread.count,
            "median": asdict(mark(context, kpi, spread.median, longest)),
            "best": asdict(mark(context, kpi, spread.best, longest)),
            "segments": [asdict(bar) for bar in segments],
            "segments_note": context.withheld_notes(kpi, "segment").get(kpi.id, ""),
            "segment_set": context.segment_set.name or "",
            "heat_map": asdict(heat) if heat else None,
            "definition_changes": [asdict(entry) for entry in definition_changes(kpi)],
            "goal_id": card.goal.id if card.goal else None,
            "followed": self._is_followed(kpi, context),
            "has_sums": has_sums(kpi),
        }

    @api.model
    @api.readonly
    def get_cautions(self, kpi_id, filters=None):
        """Sums that rest on a single record, and records that are larger than usual.

        Not a part of :meth:`get_detail`: reading records takes longer than reading the figures.
        """
        context = self._kpi_context(kpi_id, filters)
        context.kpis._check_figures()
        if not context.period:
            return []
        return [asdict(caution) for caution in cautions(context, context.kpis)]

    @api.model
    @api.readonly
    def get_explanation(self, kpi_id, filters=None):
        """Numbers of included records and, by reason, of excluded records of the period."""
        context = self._kpi_context(kpi_id, filters)
        context.kpis._check_figures()
        if not context.period:
            return []
        return [asdict(part) for part in explain(context, context.kpis)]

    @api.model
    def open_records(self, kpi_id, filters=None):
        """An action with the included records that the reader may see."""
        context = self._kpi_context(kpi_id, filters)
        kpi = context.kpis
        kpi._check_figures()
        if not context.period or not context.may_read_value(kpi):
            raise AccessError(
                self.env._("%s: you may not see this value. Choose “My values”.", kpi.name)
            )
        return kpi._open_cell_records(context.period, context.cell._asdict())

    @api.model
    def open_part(self, kpi_id, filters, part_id, period_id, reason):
        """An action with records of :meth:`get_explanation` that the reader may see.

        :param part_id: ``kpi_id`` of the explanation
        :param period_id: its ``period_id``
        :param reason: that of its row, or ``all``
        """
        context = self._kpi_context(kpi_id, filters)
        context.kpis._check_figures()
        ids = read_id(part_id), read_id(period_id)
        return open_part(context, context.kpis, *ids, str(reason))

    @api.model
    @api.readonly
    def get_leaderboard(self, kpi_id, filters=None, by="value"):
        """The ranking of salespeople.

        :param by: ``value``, or ``attainment`` of the own goal
        """
        context = self._kpi_context(kpi_id, filters)
        context.kpis._check_figures()
        ranking = Ranking(context, context.kpis)
        return asdict(ranking.leaderboard(by if by == "attainment" else "value"))

    @api.model
    @api.readonly
    def get_attention(self, board_id, filters=None):
        """The lines on top of a board that lead to records.

        Not a part of :meth:`get_board`: counting records takes longer than reading the figures.
        """
        context = self._context_of(board_id, filters)
        return [asdict(line) for line in attention(context, self._attention_topics())]

    @api.model
    @api.readonly
    def open_attention(self, board_id, key, filters=None):
        """An action with the records of a line on top of a board.

        :param key: ``key`` of the line
        """
        context = self._context_of(board_id, filters)
        return attention_action(context, self._attention_topics(), key)

    @api.model
    def prepare_period(self, board_id, filters, kpi_ids=()):
        """Create a custom period and compute the KPIs of the board for it and for the days that it
        is compared with.

        The days are limited to the history and a year ahead, and the number of periods of a
        user is limited, too.

        :param kpi_ids: ids of KPIs that are computed instead of those of the board
        :return: id of the period
        """
        board, kpis = self._board_and_kpis(board_id, kpi_ids)
        chosen = Filters.parse(filters)
        date_from, date_to = chosen.first_day, chosen.last_day
        if not date_from or not date_to or date_to < date_from:
            raise UserError(
                self.env._("Period: choose a first day, and a last day that is not before it.")
            )
        known = Filters(company_id=chosen.company_id, comparison=chosen.comparison)
        context = BoardContext(board, known, kpis)
        # superuser: a period holds no values, and its values are read under record rules
        period = (
            self.env["crm.kpi.period"]
            .sudo()
            ._for_board(context.company, date_from, date_to + timedelta(days=1))
        )
        compared = period._ensure_custom_comparison(context.years_before)
        # superuser: values are written only by the refresh
        self.env["crm.kpi"].sudo()._refresh(period | compared, context.kpis.sudo())
        return period.id

    # --- HELPERS ---

    @api.model
    def _attention_topics(self):
        """What the lines on top of a board count, most urgent first; addons add topics."""
        return [*TOPICS, EntriesDue()]

    @api.model
    def _is_followed(self, subject, context):
        """Whether the reader follows a KPI or board with the filters that it is shown with."""
        return bool(self.env["crm.kpi.follow"]._followed(subject, context.filters))

    def _context_of(self, board_id, filters):
        """A context for the KPIs of a board."""
        board, kpis = self._board_and_kpis(board_id)
        return BoardContext(board, Filters.parse(filters), kpis)

    @api.model
    def _board_and_kpis(self, board_id, kpi_ids=()):
        """The board with an id that comes from outside, and the KPIs that it shows.

        :param kpi_ids: ids from outside of KPIs that are shown instead, if the reader may see some
        """
        board = self._existing_board(board_id)
        chosen = Arrangement.parse({"kpi_ids": kpi_ids}).kpi_ids
        kpis = self._readable_kpis(chosen) if chosen else self.env["crm.kpi"]
        return board, kpis or board._shown_kpis()

    def _kpi_context(self, kpi_id, filters):
        """A context for one KPI, with the defaults of no particular board."""
        kpi = self.env["crm.kpi"].browse(read_id(kpi_id) or ())
        if not kpi:
            raise UserError(self.env._("KPI: it does not exist. Choose another."))
        kpi.check_access("read")
        return BoardContext(self._default_board(), Filters.parse(filters), kpi)

    @api.model
    def _existing_board(self, board_id):
        """The board with an id that comes from outside."""
        board = self.browse(read_id(board_id) or ())
        if not board:
            raise UserError(self.env._("Board: it does not exist. Choose another."))
        board.check_access("read")
        return board

    @api.model
    def _default_board(self):
        """A board without cards that is not stored: the defaults of the filters."""
        return self.new(
            {
                "period_kind": "month",
                "starts_on": RUNNING,
                "comparison": "previous",
                "scope": "company",
            }
        )

    def _first_for_reader(self):
        """The board to start with: the first one on which the reader has values.

        A board that the reader put first is opened in any case, and then the one of the settings.
        """
        if self[:1].user_id:
            return self[:1]
        if chosen := self._board_of_role():
            return chosen
        fullest, most = self.browse(), 0.0
        for board in (preferred := self._in_order_of_preference()):
            share = board._share_with_values()
            if share >= ENOUGH_VALUES:
                return board
            if share > most:
                fullest, most = board, share
        return fullest or preferred[:1]

    def _board_of_role(self):
        """Of these boards, the one that the settings name for the role of the reader."""
        # superuser: the board that the company chose for the reader
        board = self.env.company.sudo()[self._role_setting()]
        return self.filtered(lambda one: board and board.id in (one.id, one.origin_id.id))[:1]

    @api.model
    def _role_setting(self):
        """Name of the setting with the board of the reader's role; addons know further roles."""
        reads_all = self.env.user.has_group("crm_kpi.group_kpi_user_all")
        return "kpi_manager_board_id" if reads_all else "kpi_rep_board_id"

    def _in_order_of_preference(self):
        """The boards with those first that the reader probably wants.

        Readers who do not sell prefer the board of their group: agents, marketing. Readers of all
        values do not start with their own ones.
        """
        if not self.env.user.has_group("sales_team.group_sale_salesman"):
            # superuser: the reader sees these boards, and only whether they are for a group is read
            for_group = (
                self.sudo().filtered(lambda board: (board.origin_id or board).group_ids).sudo(False)
            )
            if for_group:
                return for_group + (self - for_group)
        if self.env.user.has_group("crm_kpi.group_kpi_user_all"):
            of_others = self.filtered(lambda board: board.scope != "mine")
            return of_others + (self - of_others)
        return self

    def _share_with_values(self):
        """The share of the KPIs that have a value other than 0 when the board is opened.

        Values of the period before count, too: a new month begins without values.
        """
        kpis = self._shown_kpis()
        if not kpis:
            return 0.0
        context = BoardContext(self, Filters(), kpis)
        values = context.values(kpis, context.series[:2])
        with_values = {kpi_id for (kpi_id, _period_id), row in values.items() if row.value}
        return len(with_values) / len(kpis)

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
            "starts_on": self.starts_on,
            "comparison": self.comparison,
            "scope": self.scope,
        }

    def _shown_kpis(self):
        """The published KPIs of the cards whose values the reader may see."""
        return self._readable_kpis(self.card_ids.kpi_id.ids)

    @api.model
    def _readable_kpis(self, kpi_ids=None):
        """The published KPIs whose values the reader may see.

        :param kpi_ids: only these
        """
        domain = [("state", "=", "published")]
        if kpi_ids is not None:
            domain.append(("id", "in", kpi_ids))
        kpis = self.env["crm.kpi"].search(domain)
        return kpis.filtered(lambda kpi: kpi._has_figures())

    @api.model
    def _default_favorite(self):
        """Board and filters of the favorite that the reader opens first; empty without one.

        The favorite of the reader comes before one that is shared with all users.
        """
        favorites = self.env["ir.filters"].search(
            [
                ("model_id", "=", self._name),
                ("is_default", "=", True),
                ("user_ids", "in", [self.env.uid, False]),
            ],
            order="id desc",
        )
        for favorite in favorites.sorted(lambda favorite: not favorite.user_ids):
            try:
                saved = json.loads(favorite.context)[FAVORITE]
            except (ValueError, KeyError, TypeError):
                continue  # of another screen
            if isinstance(saved, dict):
                return saved
        return {}


def _card_values(card):
    """Values of a card that come from the screen."""
    values = {
        "kpi_id": read_id(card["kpi_id"]),
        "size": card.get("size") or "1",
        "display": card.get("display") or "number",
        "section": card.get("section") or False,
    }
    for name in OWN_FILTERS:
        value = card.get(name)
        values[name] = (read_id(value) if name.endswith("_id") else value) or False
    return values
