# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a board shows, read in one call under the reader's own rights.

Nothing is computed here but texts: values, goals and statuses are those that the refresh
stored, so that the board says what the lists and the workbook say.
"""

from collections import namedtuple
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date, format_datetime

from ..engine import periods as calendar
from .crm_kpi_goal import SHAPES, _natures

#: Periods in a sparkline.
SPARK = 12
#: Periods to choose from.
OFFERED = 24
#: Rows of a card that compares salespeople or segments.
ROWS = 6
#: Without a refresh for so many of its intervals the numbers are called old.
STALE_AFTER = 3

#: Whose numbers: a level of the values and its dimensions as ids.
Cell = namedtuple("Cell", "level team_id user_id segment_id")


class CrmKpiBoard(models.Model):
    _inherit = "crm.kpi.board"  # pylint: disable=consider-merging-classes-inherited

    # --- RPC ---

    @api.model
    @api.readonly
    def get_board(self, board_id=False, wanted=None):
        """All that the screen shows of a board.

        :param board_id: id of a board; none: the first one of the reader
        :param wanted: dict with any of ``period_kind``, ``date`` (``now``, ``last`` for the
            last complete period, or the first day of a period), ``date_to`` (last day of a
            custom period), ``comparison``, ``company_id``, ``scope``, ``team_id``,
            ``user_id``, ``segment_set_id``, ``segment_id``; what is missing, or not the
            reader's to see, is taken from the board
        :return: dict, see the keys below
        """
        boards = self._visible()
        board = boards.filtered(lambda b: b.id == board_id) or boards._first_for_reader()
        if not board:
            raise UserError(
                self.env._("There is no board for you. Ask a KPI manager to show you one.")
            )
        view = board._view(wanted or {})
        kpis = board._shown_kpis()
        return {
            "boards": [board._board_entry() for board in boards],
            "board": {**board._board_entry(), "layout": board._layout()},
            "filters": view.filters,
            "period": view._period_entry(),
            "options": view._options(),
            **view._freshness(),
            "categories": [
                {"id": category.id, "name": category.name} for category in kpis.category_id.sorted()
            ],
            "cards": view._cards(board.card_ids.filtered(lambda card: card.kpi_id in kpis)),
        }

    @api.model
    def prepare_period(self, board_id, wanted):
        """Make a period of free dates and compute the board's KPIs for it.

        :return: id of the period
        """
        board = self.browse(board_id)
        board.check_access("read")
        date_from = fields.Date.to_date(wanted.get("date"))
        date_to = fields.Date.to_date(wanted.get("date_to"))
        if not date_from or not date_to or date_to < date_from:
            raise UserError(
                self.env._("Period: choose a first day, and a last day that is not before it.")
            )
        company = board._company(wanted)
        # superuser: a period is nobody's secret, and values are read under record rules
        period_model = self.env["crm.kpi.period"].sudo().with_company(company)
        span = {
            "company_id": company.id,
            "kind": "custom",
            "date_from": date_from,
            "date_to": date_to + timedelta(days=1),
        }
        period = period_model.search([(name, "=", value) for name, value in span.items()])
        if not period:
            period = period_model.create(span)
            period._update_states()
        self.env["crm.kpi"].sudo()._refresh(period, board._shown_kpis().sudo())
        return period.id

    # --- THE BOARD ---

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
        """The KPIs of the cards that the reader may read and that are computed."""
        return self.env["crm.kpi"].search(
            [("id", "in", self.card_ids.kpi_id.ids), ("state", "=", "published")]
        )

    def _company(self, wanted):
        companies = self.env.companies
        return companies.filtered(lambda c: c.id == wanted.get("company_id")) or self.env.company

    def _view(self, wanted, view_class=None):
        """The wanted filters as far as they make sense for this reader, as a :class:`View`."""
        company = self._company(wanted)
        env = self.with_company(company).env
        kind = wanted.get("period_kind") or self.period_kind
        if kind not in (*calendar.CALENDAR_KINDS, "custom"):
            kind = self.period_kind
        comparison = wanted.get("comparison")
        if comparison not in ("previous", "last_year"):
            comparison = self.comparison
        scope = wanted.get("scope")
        if scope not in dict(self._fields["scope"].selection):
            scope = self.scope
        view = (view_class or View)(env, company, kind, comparison)
        view._choose_people(scope, wanted)
        view._choose_segment(wanted)
        view._choose_period(wanted)
        return view


class View:
    """One look at a board: the reader's environment, the period and whose numbers."""

    def __init__(self, env, company, kind, comparison):
        self.env = env
        self.company = company
        self.kind = kind
        self.comparison = comparison
        self.now = fields.Datetime.now()
        self.currency = company.currency_id
        self.team = env["crm.team"]
        self.user = env["res.users"]
        self.segment_set = env["crm.kpi.segment.set"]
        self.segment = env["crm.kpi.segment"]
        self.period = env["crm.kpi.period"]
        self.sees_all = env.user.has_group("crm_kpi.group_kpi_user_all")
        self.scope = "company"
        self.date = "now"

    # --- FILTERS ---

    def _choose_people(self, scope, wanted):
        self.teams = self._teams()
        self.users = self._users()
        self.team = self.teams.filtered(lambda team: team.id == wanted.get("team_id"))
        self.user = self.users.filtered(lambda user: user.id == wanted.get("user_id"))
        if scope == "mine":
            self.user = self.env.user
        elif scope == "team" and not self.team and not self.user:
            led = self.teams.filtered(lambda team: team.user_id == self.env.user)
            self.team = (self.env.user.sale_team_id & self.teams) or led[:1] or self.teams[:1]
        elif scope == "company":
            self.team, self.user = self.team.browse(), self.user.browse()
        self.scope = scope

    def _teams(self):
        """Teams whose numbers the reader may see: all, or those he leads or belongs to."""
        domain = [("company_id", "in", [False, self.company.id])]
        if not self.sees_all:
            user = self.env.user.id
            domain += [
                "|",
                ("user_id", "=", user),
                ("crm_team_member_all_ids", "any", [
                    ("user_id", "=", user), ("active", "=", True)]),
            ]  # fmt: skip
        return self.env["crm.team"].search(domain)

    def _users(self):
        """Salespeople whose numbers the reader may see."""
        if not self.sees_all:
            return self.env.user
        members = self.env["crm.team.member"].search([("crm_team_id", "in", self.teams.ids)])
        # those whose numbers are there, members or not
        groups = self.env["crm.kpi.value"]._read_group(
            [
                ("company_id", "=", self.company.id),
                ("level", "=", "user"),
                ("user_id", "!=", False),
                ("period_id.timing", "in", ["running", "previous"]),
            ],
            ["user_id"],
        )
        users = members.user_id | self.env["res.users"].union(*(user for (user,) in groups))
        return users.sorted(lambda user: (user.name or "").casefold())

    def _choose_segment(self, wanted):
        self.segment_sets = self.env["crm.kpi.segment.set"].search(
            [("company_id", "in", [False, self.company.id])]
        )
        chosen = wanted.get("segment_set_id")
        self.segment_set = (
            self.segment_sets.filtered(lambda s: s.id == chosen) or self.segment_sets[:1]
        )
        segment = self.env["crm.kpi.segment"].search(
            [
                ("id", "=", wanted.get("segment_id") or 0),
                ("set_id", "in", self.segment_sets.ids),
            ]
        )
        if segment:
            self.segment_set, self.segment = segment.set_id, segment

    def _choose_period(self, wanted):
        model = self.env["crm.kpi.period"]
        self.date = wanted.get("date") or "now"
        domain = [("company_id", "=", self.company.id), ("kind", "=", self.kind)]
        if self.kind == "custom":
            last = fields.Date.to_date(wanted.get("date_to"))
            domain += [
                ("date_from", "=", self.date if self.date[:1].isdigit() else False),
                ("date_to", "=", last and last + timedelta(days=1)),
            ]
            self.period = self.series = model.search(domain)
            return
        # one query for the choice, the sparkline and the period before
        past = model.search(
            [*domain, ("utc_from", "<=", self.now)], limit=OFFERED + SPARK, order="date_from desc"
        )
        self.offered = past[:OFFERED]
        if self.date == "last":
            self.period = past.filtered(lambda p: p.utc_to <= self.now)[:1]
        elif self.date != "now":
            day = fields.Date.to_date(self.date)
            self.period = past.filtered(lambda p: p.date_from == day)
            if not self.period:
                past = model.search(
                    [*domain, ("date_from", "<=", day)], limit=SPARK + 1, order="date_from desc"
                )
                self.period = past.filtered(lambda p: p.date_from == day)
        if not self.period:
            self.period = past[:1]
            self.date = "now"
        self.series = past.filtered(lambda p: p.date_from <= self.period.date_from)[: SPARK + 1]

    offered = ()
    series = ()

    @property
    def filters(self):
        """The filters as they were understood; what the screen shows and the address keeps."""
        return {
            "period_kind": self.kind,
            "date": self.date,
            "date_to": fields.Date.to_string(self.period.date_to - timedelta(days=1))
            if self.kind == "custom" and self.period
            else False,
            "comparison": self.comparison,
            "company_id": self.company.id,
            "scope": self.scope,
            "team_id": self.team.id,
            "user_id": self.user.id,
            "segment_set_id": self.segment_set.id,
            "segment_id": self.segment.id,
        }

    def _cell(self):
        parts = []
        if self.user:
            parts.append("user")
        elif self.team:
            parts.append("team")
        if self.segment:
            parts.append("segment")
        level = "_".join(parts) or "company"
        return Cell(
            level,
            self.team.id if level.startswith("team") else False,
            self.user.id,
            self.segment.id,
        )

    def _options(self):
        kinds = dict(self.env["crm.kpi.period"]._fields["kind"]._description_selection(self.env))
        return {
            "kinds": [[kind, kinds[kind]] for kind in (*calendar.CALENDAR_KINDS, "custom")],
            "periods": [
                {
                    "id": period.id,
                    "label": period.display_name,
                    "date": fields.Date.to_string(period.date_from),
                }
                for period in self.offered
            ],
            "companies": [{"id": c.id, "name": c.name} for c in self.env.companies],
            "teams": [{"id": team.id, "name": team.name} for team in self.teams],
            "users": [{"id": user.id, "name": user.name} for user in self.users],
            "segment_sets": [
                {
                    "id": segment_set.id,
                    "name": segment_set.name,
                    "segments": [{"id": s.id, "name": s.name} for s in segment_set.segment_ids],
                }
                for segment_set in self.segment_sets
            ],
        }

    # --- TIME ---

    def _period_entry(self):
        period = self.period
        if not period:
            return False
        gone = self._gone()
        if gone.over:
            text = self.env._("Whole period")
        elif not gone.begun:
            text = self.env._("Not begun")
        else:
            text = self.env._(
                "%(days)s of %(total)s working days", days=gone.days, total=gone.total
            )
        return {
            "id": period.id,
            "label": period.display_name,
            "date_from": fields.Date.to_string(period.date_from),
            "date_to": fields.Date.to_string(period.date_to - timedelta(days=1)),
            "timing": "past" if gone.over else "running" if gone.begun else "future",
            "state": period.state,
            "state_text": dict(period._fields["state"]._description_selection(self.env))[
                period.state
            ],
            "elapsed_text": text,
            "share": gone.share,
        }

    def _gone(self):
        if not hasattr(self, "_gone_cache"):
            self._gone_cache = self.period._elapsed(self.now)[self.period]
        return self._gone_cache

    def _freshness(self):
        """When the numbers were last brought up to date, and whether that is too long ago."""
        # superuser: when the refresh last ran is no secret; nothing else of it is read
        cron = self.env.ref("crm_kpi.ir_cron_refresh", raise_if_not_found=False)
        cron = cron and cron.sudo()
        last = self._last_refresh(cron)
        if not last:
            return {"as_of": False, "stale": True, "stale_text": self.env._("Never computed yet")}
        text = format_datetime(self.env, last, dt_format="short")
        step = timedelta(hours=1)
        if cron:
            step = timedelta(**{cron.interval_type: cron.interval_number})
        stale = self.now - last > max(step * STALE_AFTER, timedelta(hours=1))
        return {
            "as_of": text,
            "stale": stale,
            "stale_text": self.env._("These numbers are from %s", text) if stale else False,
        }

    def _last_refresh(self, cron):
        self.env.cr.execute(
            "SELECT max(last_refresh) FROM crm_kpi WHERE state = 'published' AND active"
        )
        [[computed]] = self.env.cr.fetchall()
        return max(filter(None, [computed, cron and cron.lastcall]), default=None)

    def _basis(self):
        """What the period is compared with.

        :return: ``(period or empty, its whole or empty)``; of a running period the same
            number of working days of the other one, kept by the refresh
        """
        period = self.period
        empty = period.browse()
        if not period or self.kind == "custom":
            return empty, empty
        whole = period._previous(years=1 if self.comparison == "last_year" else 0).get(
            period, empty
        )
        if not whole or self._gone().over:
            return whole, whole
        return period._same_part_of(whole, self._gone()), whole

    # --- VALUES ---

    def _values(self, kpis, periods, cell):
        """Stored cells by ids of KPI and period; absent where the reader may not look."""
        domain = [
            ("kpi_id", "in", kpis.ids),
            ("period_id", "in", periods.ids),
            ("level", "=", cell.level),
            ("team_id", "=", cell.team_id),
            ("user_id", "=", cell.user_id),
            ("segment_id", "=", cell.segment_id),
        ]
        names = ["kpi_id", "period_id", "value", "n", "computed_at"]
        rows = self.env["crm.kpi.value"].search_fetch(domain, names, order="id")
        return {(row.kpi_id.id, row.period_id.id): row for row in rows}

    def _goals(self, kpis, cell):
        goals = self.env["crm.kpi.goal"].search(
            [
                ("kpi_id", "in", kpis.ids),
                ("period_id", "=", self.period.id),
                ("scope", "=", cell.level),
                ("team_id", "=", cell.team_id),
                ("user_id", "=", cell.user_id),
                ("segment_id", "=", cell.segment_id),
            ]
        )
        return {goal.kpi_id: goal for goal in goals}

    def _cards(self, cards):
        """What each card shows, in the order of the board."""
        kpis = cards.kpi_id
        shown = self._read(kpis)
        rows = {
            display: self._row_entries(
                cards.filtered(lambda c, d=display: c.display == d).kpi_id, display
            )
            for display in ("reps", "segments")
        }
        return [
            {
                "id": card.id,
                "size": card.size,
                "display": card.display,
                **shown[card.kpi_id],
                "rows": rows.get(card.display, {}).get(card.kpi_id, []),
            }
            for card in cards.sorted()
        ]

    def _read(self, kpis):
        """The entries of some KPIs by record, without what only a board knows."""
        cell = self._cell()
        counters = kpis.counter_kpi_id.filtered(lambda kpi: kpi.state == "published")
        all_kpis = kpis | counters
        part, whole = self._basis()
        periods = (self.series or self.period) | part | whole | self.period
        values = self._values(all_kpis, periods, cell)
        goals = self._goals(all_kpis, cell)
        natures = _natures(all_kpis)
        result = {}
        for kpi in kpis:
            result[kpi] = self._card(kpi, values, goals, natures, part, whole)
            counter = kpi.counter_kpi_id
            result[kpi]["kpi"]["counter"] = counter in counters and {
                "kpi_id": counter.id,
                "name": counter.name,
                "value_text": self._text(counter, values.get((counter.id, self.period.id))),
                **self._status(goals.get(counter)),
            }
        return result

    def _text(self, kpi, row):
        return kpi._format_value(row.value if row else False, self.currency)

    def _card(self, kpi, values, goals, natures, part, whole):
        row = values.get((kpi.id, self.period.id))
        goal = goals.get(kpi)
        state, state_text = self._state(kpi, row, natures[kpi])
        return {
            "kpi": self._kpi_entry(kpi),
            "state": state,
            "state_text": state_text,
            "value": row.value if row and row.value is not False else None,
            "value_text": self._text(kpi, row),
            "value_id": row.id if row else False,
            "n": row.n if row else 0,
            "goal": self._goal_entry(goal) if goal else False,
            "bullet": self._bullet(kpi, row, goal) if goal else False,
            "change": self._change(kpi, row, values, natures[kpi], part, whole),
            "spark": self._spark(kpi, values),
        }

    def _kpi_entry(self, kpi):
        return {
            "id": kpi.id,
            "code": kpi.code,
            "name": kpi.name,
            "unit": kpi.unit,
            "direction": kpi.direction,
            "direction_text": dict(kpi._fields["direction"]._description_selection(self.env))[
                kpi.direction
            ],
            "category_id": kpi.category_id.id,
            "category": kpi.category_id.name,
            "description": kpi.description or "",
            "reference": kpi.reference or "",
            "how": kpi.formula if kpi.kind == "formula" else "",
            "source": kpi.source_id.sudo().name or "",  # its name is no secret
        }

    def _state(self, kpi, row, nature):
        """``(state, text)`` of a card: why there is no number, or how far to trust it."""
        if row and row.value is not False:
            if row.n < kpi.min_n:
                text = self.env._("Only %(n)s of at least %(min)s records", n=row.n, min=kpi.min_n)
                return "too_few", text
            return "ok", ""
        # superuser: whether it failed is told, not why
        source = kpi.sudo().source_id
        if source and source.model not in self.env:
            return "not_available", self.env._("The app it needs is not installed")
        gone = self._gone() if self.period else None
        if gone and nature.waits and not gone.over:
            return "too_early", self.env._("Known when the period is over")
        if gone and nature.maturity:
            tz = self.company._kpi_tz()
            final = self.period.date_to + timedelta(days=int(nature.maturity + 0.999))
            if calendar.local_day(self.now, tz) < final:
                return "too_early", self.env._(
                    "Known for all from %s on", format_date(self.env, final)
                )
        if kpi.last_error:
            return "not_available", self.env._("It could not be computed")
        return "no_data", self.env._("Nothing to compute it from")

    def _status(self, goal):
        if not goal:
            return {"status": False, "status_text": False, "shape": False}
        labels = dict(goal._fields["status"]._description_selection(self.env))
        return {
            "status": goal.status,
            "status_text": labels[goal.status],
            "shape": SHAPES[goal.status],
        }

    def _goal_entry(self, goal):
        return {
            "id": goal.id,
            "kind": goal.kind,
            "target": _number(goal.target),
            "target_text": goal.target_text,
            "attainment": _number(goal.attainment),
            "attainment_text": goal.attainment_text,
            "expected": _number(goal.expected),
            **self._pace_entry(goal),
            "projected": _number(goal.projected),
            "projected_text": goal.projected_text,
            "at_a_cost": goal.at_a_cost,
            **self._status(goal),
        }

    @staticmethod
    def _pace_entry(goal):
        """Where a steady climb would stand by now."""
        if goal.target is False or goal.expected is False:
            return {"pace": None, "pace_text": ""}
        pace = goal.target * goal.expected
        return {"pace": pace, "pace_text": goal._in_unit(pace)}

    @staticmethod
    def _bullet(kpi, row, goal):
        """Shares of the bar's length; the bar holds whatever is largest, with some room."""
        value = row.value if row and row.value is not False else None
        target = _number(goal.target)
        upper = _number(goal.target_max) if goal.kind == "range" else None
        projected = _number(goal.projected)
        known = [abs(x) for x in (value, target, upper, projected) if x is not None]
        if target is None or not known or not max(known):
            return False
        if any(x is not None and x < 0 for x in (value, target, upper, projected)):
            return False  # a bar has no length below nothing
        top = max(known) * 1.1
        expected = _number(goal.expected)
        share = lambda x: None if x is None else min(max(x / top, 0.0), 1.0)  # noqa: E731
        return {
            "value": share(value),
            "target": share(target),
            "target_max": share(upper),
            "projected": share(projected),
            # where a steady climb would stand by now
            "pace": share(target * expected) if expected is not None else None,
        }

    def _change(self, kpi, row, values, nature, part, whole):
        """Against the same elapsed part of the comparison period."""
        if not row or row.value is False:
            return False
        over = self._gone().over
        # what stands (a pipeline, a stock of customers) is compared with how it stood at the end
        basis = part if over or (part and not self._stands(kpi)) else whole
        before = values.get((kpi.id, basis.id)) if basis else None
        if before is None or before.value is False:
            return False
        text, trend, up = row._change(before.value, basis, False)
        if not text:
            return False
        return {
            "text": text,
            "trend": trend,
            "up": bool(up),
            "basis_text": self.env._(
                "%(value)s in %(period)s",
                value=self._text(kpi, before),
                period=basis.display_name,
            ),
        }

    @staticmethod
    def _stands(kpi):
        # superuser: the kind of source is no secret
        source = kpi.sudo().source_id
        return source.kind == "snapshot" and not source.rebuildable

    def _spark(self, kpi, values):
        result = []
        for period in sorted(self.series[:SPARK], key=lambda p: p.date_from):
            row = values.get((kpi.id, period.id))
            result.append(
                {
                    "label": period.display_name,
                    "value": row.value if row and row.value is not False else None,
                    "value_text": self._text(kpi, row),
                    "running": period.utc_to > self.now,
                }
            )
        return result

    # --- ROWS ---

    def _breakdown(self, kpis, part):
        """Cells of the period below the chosen one, by salesperson or by segment.

        :param part: ``user`` or ``segment``
        """
        cell = self._cell()
        domain = [("kpi_id", "in", kpis.ids), ("period_id", "=", self.period.id)]
        if part == "user":
            level = "user_segment" if self.segment else "user"
            domain += [
                ("level", "=", level),
                ("segment_id", "=", self.segment.id),
            ]
            if self.team:
                domain.append(("user_id", "in", self._team_members().ids))
        else:
            level = {"company": "segment", "team": "team_segment", "user": "user_segment"}[
                cell.level.split("_")[0].replace("segment", "company")
            ]
            domain += [
                ("level", "=", level),
                ("team_id", "=", cell.team_id),
                ("user_id", "=", cell.user_id),
                ("segment_id.set_id", "=", self.segment_set.id),
            ]
        return self.env["crm.kpi.value"].search(domain)

    def _team_members(self):
        return self.env["crm.team.member"].search([("crm_team_id", "=", self.team.id)]).user_id

    def _row_entries(self, kpis, display):
        """The best rows of each KPI, by record, for a card of bars."""
        if not kpis or not self.period:
            return {}
        part = "user" if display == "reps" else "segment"
        result = {kpi: [] for kpi in kpis}
        for row in self._breakdown(kpis, part):
            if row.value is not False:
                result[row.kpi_id].append(row)
        return {kpi: self._bars(kpi, rows, part)[:ROWS] for kpi, rows in result.items()}

    def _bars(self, kpi, rows, part):
        """Rows as bars, the best first; length as share of the longest."""
        rows = sorted(rows, key=lambda row: row.value, reverse=kpi.direction != "decrease")
        top = max((abs(row.value) for row in rows), default=0) or 1
        unassigned = self.env._("Unassigned")
        return [
            {
                "id": row.id,
                "record_id": row[f"{part}_id"].id,
                "name": row[f"{part}_id"].display_name or unassigned,
                "value": row.value,
                "value_text": kpi._format_value(row.value, self.currency),
                "n": row.n,
                "share": max(row.value, 0) / top,
                "mine": part == "user" and row.user_id == self.env.user,
            }
            for row in rows
        ]


def _number(value):
    """A nullable number for JSON, where no value is ``null``."""
    return None if value is False else value


def median(numbers):
    """Median of some numbers, ``None`` of none.

    >>> median([3, 1, 2]), median([4, 1]), median([])
    (2, 2.5, None)
    """
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if not ordered:
        return None
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
