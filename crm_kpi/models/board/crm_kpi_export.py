# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Workbooks: what the screens show, collected under the reader's own rights.

Values, goals and statuses are the stored ones, read as the board reads them; what a workbook
adds are layout and formulas that yield the stored values. ``workbook/`` writes the file.
"""

import re
from collections import defaultdict

from babel.dates import format_skeleton

from odoo import api, models, release
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import babel_locale_parse, format_datetime

from ...board import header
from ...board.cards import Cards
from ...board.context import MAX_PERIODS, number_or_none
from ...board.filters import Filters
from ...engine import formula as engine
from ...engine import pace
from ...engine.time_behaviour import time_behaviours
from ...workbook import content as wb
from ...workbook.formats import number_format
from ...workbook.report import write_report
from .crm_kpi_export_pages import PagesView, _adds_up

#: Periods side by side.
PERIODS = 12
#: Levels below the whole that can be shown.
LEVELS_BELOW = ("team", "user", "segment")
#: Companies in these countries print on letter paper.
LETTER_COUNTRIES = {"US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "PA", "PH", "PR", "SV", "VE"}
#: More cells than this are made in the background.
CELLS_AT_ONCE = 400_000
SUMS = ("count", "sum", "sum_known")


class CrmKpiExport(models.AbstractModel):
    """Makes workbooks of KPIs.

    What is wanted comes as a dict of ``board_id`` or ``kpi_ids``, ``filters`` (those of
    ``crm.kpi.board.get_board``), ``count`` (periods side by side), ``levels`` (any of team,
    user, segment), ``layout`` (``category``, ``kpi``: what shares a sheet; ``summary``: no
    sheets of KPIs; ``list``: the plain rows of ``value_ids`` or of the KPIs), ``records``,
    ``leaderboard``, ``goals``; with ``goals`` or ``targets`` as layout only
    ``goal_ids``: to read, or to be changed and imported again.
    """

    _name = "crm.kpi.export"
    _description = "KPI Workbooks"

    # --- MAKING A FILE ---

    @api.model
    def _write_workbook(self, options, file):
        """Write a workbook.

        :param options: see the class
        :param file: path or binary file
        :return: name for the file
        """
        sheet = self._view(options)
        content = sheet.content()
        if options.get("layout") == "targets":
            goals = sheet._shown_goals()
            content.title = self.env._("Targets")
            goals._write_targets(content, sheet.number_format, file)
        else:
            write_report(file, content, flat=sheet.flat)
        return self._file_name(content)

    @api.model
    def _file_name(self, content):
        day = content.properties["created"].strftime("%Y-%m-%d")
        stem = re.sub(r"[^\w.-]+", "_", content.title).strip("_.")[:80] or "KPI"
        return f"{stem}_{day}.xlsx"

    @api.model
    def _view(self, options):
        board_model = self.env["crm.kpi.board"]
        board = board_model
        if options.get("board_id"):
            board = board_model._visible().filtered(lambda b: b.id == options["board_id"])
            if not board:
                raise UserError(
                    self.env._(
                        "Board: it is not there any more, or not shown to you. Choose another."
                    )
                )
        kpis = board._shown_kpis() if board else self.env["crm.kpi"]
        if options.get("kpi_ids"):
            kpis = kpis.search([("id", "in", options["kpi_ids"]), ("state", "=", "published")])
        template = board or board_model._default_board()
        view = SheetView(template, Filters.parse(options.get("filters")), kpis)
        view.prepare(options, board)
        return view

    @api.model
    def _board_options(self, board_id, filters, **switches):
        """What makes the workbook of a board, as it is seen with some filters."""
        board = self.env["crm.kpi.board"]
        return {"board_id": board_id or board._visible()._first_for_reader().id,
                "filters": filters, **switches}  # fmt: skip

    @api.model
    def _estimate(self, options):
        """Number of cells a workbook will have, roughly."""
        return self._view(options).estimate()


class SheetView(PagesView):
    """One look at many KPIs, over the periods of a workbook."""

    def prepare(self, options, board):
        self.options = options
        self.board = board
        self.kpis = self.kpis.filtered(
            lambda kpi: kpi.company_id.id in (False, self.company.id) and kpi._has_figures()
        )
        self.levels = [
            level
            for level in LEVELS_BELOW
            if level in options.get("levels", LEVELS_BELOW) and self._has_rows(level)
        ]
        self.layout = options.get("layout") or "category"
        count = min(max(int(options.get("count") or PERIODS), 1), MAX_PERIODS)
        self.axis = self.series[:count].sorted("date_from")
        self.words = self.env["crm.kpi.export"]._words()
        self.counts = {"values": 0, "goals": 0}
        self.flat = self.layout == "list" and "value_ids" not in options

    def _has_rows(self, level):
        if level == "team":
            return not self.team and not self.user
        if level == "user":
            return not self.user
        return not self.segment

    def estimate(self):
        if self.layout == "list":
            return 9 * self.env["crm.kpi.value"].search_count(self._list_domain())
        levels = [self._part_level(level) for level in self.levels]
        return 3 * self.env["crm.kpi.value"].search_count(
            [
                ("kpi_id", "in", self.kpis.ids),
                ("period_id", "in", self.axis.ids),
                ("level", "in", levels),
            ]
        )

    # --- THE WORKBOOK ---

    def content(self):
        env, words = self.env, self.words
        now = self.now
        lang = env["res.lang"]._get_data(code=env.lang or "en_US")
        title = self.board.name if self.board else env._("KPI sheet")
        measures = self._measures() if self.layout in ("category", "kpi") else []
        content = wb.Content(
            title=title,
            subtitle=self._subtitle(),
            words=words,
            periods=[self._short_name(period) for period in self.axis],
            running=bool(self.period) and self.period.utc_to > now,
            notes=self._notes(),
            rtl=lang.direction == "rtl",
            # superuser: the country of the company is no secret
            letter=self.company.sudo().country_id.code in LETTER_COUNTRIES,
            footer=env._(
                "%(company)s · made on %(time)s for %(user)s",
                company=self.company.name,
                time=format_datetime(env, now, dt_format="short"),
                user=env.user.name,
            ),
            properties={
                "title": title,
                "subject": self._subtitle(),
                "author": env.user.name,
                "company": self.company.name,
                "created": now,
                "comments": env._("Made by Odoo, module CRM KPI"),
            },
        )
        if self.layout == "list":
            content.pages.append(self._list_page())
        elif self.layout in ("goals", "targets"):
            content.pages.append(self._goals_page())
        else:
            self._report(content, measures)
        content.pages += [self._definitions_page(), self._audit_page()]
        content.facts = {
            "Module": "crm_kpi",
            "Release": release.version,
            "Filters": self._subtitle(),
            "KPI versions": ", ".join(f"{kpi.code} {kpi.version}" for kpi in self.kpis),
        }
        return content

    def _report(self, content, measures):
        options = self.options
        if self.kpis:
            content.cards = self._summary_cards()
        content.sheets = self._sheets(measures)
        if options.get("goals", True):
            content.pages.append(self._goals_page())
        if self.kpis and options.get("leaderboard", True) and not self.user:
            content.pages.append(self._leaderboard_page())
        if self.kpis and options.get("records"):
            content.pages.append(self._records_page())

    def _short_name(self, period):
        if period.kind != "month":
            return period.display_name
        locale = babel_locale_parse(self.env.lang)
        return format_skeleton("yMMM", period.date_from, locale=locale)

    def _subtitle(self):
        parts = [self.company.name]
        if self.period:
            parts.append(self.period.display_name)
            parts.append(header.period_info(self).elapsed_text)
        parts.append(self._whose())
        return " · ".join(parts)

    def _whose(self):
        parts = [self.user.name or self.team.name, self.segment.display_name]
        return " · ".join(filter(None, parts)) or self.env._("Whole company")

    def _notes(self):
        notes = []
        fresh = header.freshness(self)
        if fresh.stale:
            notes.append(fresh.stale_text)
        elif fresh.as_of:
            notes.append(self.env._("Figures as of %s", fresh.as_of))
        notes += self.notes
        if not self.sees_all:
            notes.append(self.env._("Holds only the figures that you may see."))
        return notes

    def number_format(self, kpi, currency=None):
        currency = currency or self.company.currency_id
        return number_format(
            kpi.unit,
            kpi.digits,
            symbol=currency.symbol,
            before=currency.position == "before",
            decimals=currency.decimal_places,
            suffix=self.env["crm.kpi.export"]._unit_words().get(kpi.unit, ""),
        )

    # --- SUMMARY ---

    def _summary_cards(self):
        cards = []
        entries = Cards(self, self.kpis)
        for kpi in self.kpis:
            entry = entries.card(kpi)
            goal, change, counter = entry.goal, entry.change, entry.kpi.counter
            sign = ""
            if change and change.trend:
                sign = "= " if change.trend == "same" else "▲ " if change.up else "▼ "
            cards.append(
                wb.Card(
                    key=kpi.id,
                    category=kpi.category_id.name,
                    name=kpi.name,
                    value=entry.value,
                    value_text=entry.value_text,
                    number_format=self.number_format(kpi),
                    target=goal and goal.target,
                    target_text=goal.target_text if goal else "",
                    attainment=goal and goal.attainment,
                    status=goal.status if goal else "",
                    status_text=_standing(self.env, goal),
                    projected=goal and goal.forecast,
                    change=f"{sign}{change.text}" if change else "",
                    basis=change.basis_text if change else "",
                    record_count=entry.record_count,
                    remark=entry.state_text,
                    counter=" ".join(
                        filter(
                            None,
                            [counter.name, counter.value_text, counter.status_text],
                        )
                    )
                    if counter
                    else "",
                )
            )
        return cards

    # --- KPIS ---

    def _sheets(self, measures):
        if self.layout == "kpi":
            return [(measure.name, [measure]) for measure in measures]
        by_category = defaultdict(list)
        for measure in measures:
            by_category[measure.category].append(measure)
        return list(by_category.items())

    def _measures(self):
        formulas = {kpi: self._usable_formula(kpi) for kpi in self.kpis}
        codes = {c.code for found in formulas.values() if found for c in found.components}
        # as the reader: components that he may not read stay out, and the formula with them
        components = (
            self.env["crm.kpi"]
            .with_context(active_test=False)
            .search([("code", "in", list(codes))])
        )
        by_code = {kpi.code: kpi for kpi in components}
        all_kpis = self.kpis | components
        shifted = {
            "": dict(zip(self.axis, self.axis, strict=True)),
            "previous": self.axis._previous(),
            "last_year": self.axis._previous(years=1),
        }
        periods = self.axis.browse(
            {period.id for mapped in shifted.values() for period in mapped.values()}
        )
        whole = self._cells(all_kpis, periods, self.cell_domain("level"), None)
        self._trim(whole)
        parts = {
            level: self._cells(all_kpis, periods, self._part_domain(level), f"{level}_id")
            for level in self.levels
        }
        goals = self._all_goals(self.kpis)
        heat = self._heat_cells()
        context = {
            "by_code": by_code,
            "shifted": shifted,
            "behaviours": time_behaviours(self.kpis),
            "elapsed": self.axis._elapsed(self.now),
            "constants": [period._formula_constants() for period in self.axis],
        }
        return [
            self._measure(kpi, formulas[kpi], whole, parts, goals, heat, context)
            for kpi in self.kpis
        ]

    def _trim(self, whole):
        """Begin with the first period that has any value."""
        known = {
            period_id
            for kpi in self.kpis
            for period_id, (value, _n) in whole.get((kpi.id, None), {}).items()
            if value is not None
        }
        first = next((i for i, period in enumerate(self.axis) if period.id in known), 0)
        self.axis = self.axis[first:]

    def _usable_formula(self, kpi):
        if kpi.kind != "formula":
            return None
        try:
            parsed = engine.parse(kpi.formula)
        except engine.FormulaError:
            return None
        shifts = {component.shift for component in parsed.components}
        return parsed if shifts <= {"", "previous", "last_year"} else None

    def _measure(self, kpi, formula, whole, parts, goals, heat, context):
        by_code = context["by_code"]
        if formula and any(code not in by_code for code in formula.codes):
            formula = None
        components = [(c.code, c.shift) for c in formula.components] if formula else []
        row = lambda label, cells, key, goal: self._row(  # noqa: E731
            kpi, label, cells, key, goal, components, context
        )
        whole_goals = [goals.get((kpi.id, period.id, None, None)) for period in self.axis]
        total = row(self._whose(), whole, None, whole_goals[-1] if whole_goals else None)
        stored = whole.get((kpi.id, None), {})
        blocks = [
            wb.Block(
                level,
                self.words[level],
                self._rows_of(kpi, level, parts[level], goals, row),
            )
            for level in self.levels
        ]
        behaviour = context["behaviours"][kpi]
        return wb.Measure(
            key=kpi.id,
            name=kpi.name,
            about=self._about(kpi),
            category=kpi.category_id.name,
            number_format=self.number_format(kpi),
            part_formats={part: self.number_format(by_code[part[0]]) for part in components},
            direction=kpi.direction,
            unit=kpi.unit,
            whole=total,
            targets=[number_or_none(goal.target) if goal else None for goal in whole_goals],
            forecasts=[
                pace.project(value, context["elapsed"][period], behaviour.additive)
                if period.utc_to > self.now and not behaviour.final_only and value is not None
                else None
                for period, value in zip(self.axis, total.values, strict=True)
            ],
            counts=[stored.get(period.id, (None, None))[1] for period in self.axis],
            blocks=blocks,
            formula=formula,
            constants=context["constants"],
            part_names={part: self._part_name(by_code[part[0]], part[1]) for part in components},
            summable=_adds_up(kpi),
            part_summable={part: _adds_up(by_code[part[0]]) for part in components},
            heat=heat.get(kpi.id) if self.cell.level == "company" else None,
        )

    def _about(self, kpi):
        directions = dict(kpi._fields["direction"]._description_selection(self.env))
        units = dict(kpi._fields["unit"]._description_selection(self.env))
        parts = [kpi.computation_text, units[kpi.unit], directions[kpi.direction], kpi.description]
        return " · ".join(part for part in parts if part).replace("\n", " ")[:300]

    def _part_name(self, kpi, shift):
        if shift == "previous":
            return self.env._("%s, period before", kpi.name)
        if shift == "last_year":
            return self.env._("%s, a year before", kpi.name)
        return kpi.name

    def _rows_of(self, kpi, level, cells, goals, row):
        found = {key for kpi_id, key in cells if kpi_id == kpi.id}
        rows = []
        for record_id in found:
            goal = goals.get((kpi.id, self.period.id, level, record_id)) if record_id else None
            rows.append(row(self._names(level)(record_id), cells, record_id, goal))
        worst = float("inf")
        upwards = -1 if kpi.direction != "decrease" else 1

        def place(line):
            last = line.values[-1] if line.values else None
            return (worst if last is None else upwards * last, line.label.casefold())

        return sorted(rows, key=place)

    def _names(self, level):
        model = {"team": "crm.team", "user": "res.users", "segment": "crm.kpi.segment"}[level]

        def name(record_id):
            if not record_id:
                return self.env._("Unassigned")
            return self.env[model].browse(record_id).display_name or self.env._("Unassigned")

        return name

    def _row(self, kpi, label, cells, key, goal, components, context):
        stored = cells.get((kpi.id, key), {})
        values, notes = [], {}
        # superuser: from which number on segments are shown is no secret
        least = kpi._least_cell(self.company.sudo())
        for index, period in enumerate(self.axis):
            value, record_count = stored.get(period.id, (None, 0))
            values.append(value)
            if value is None and 0 < record_count < least and (cells.withheld or self.segment):
                notes[index] = self.env._("too few (%s)", record_count)
        parts = {}
        for code, shift in components:
            part = context["by_code"][code]
            known = cells.get((part.id, key), {})
            empty = 0.0 if part._zero_when_empty else None
            mapped = context["shifted"][shift]
            parts[code, shift] = [
                known.get(mapped[period].id, (empty, 0))[0]
                if period in mapped and index not in notes  # withheld with all it is made of
                else None
                for index, period in enumerate(self.axis)
            ]
        last = stored.get(self.period.id, (None, 0)) if self.period else (None, 0)
        return wb.Row(
            label=label or "",
            values=values,
            notes=notes,
            parts=parts,
            record_count=last[1],
            target=number_or_none(goal.target) if goal else None,
            attainment=number_or_none(goal.attainment) if goal else None,
            status=goal.status if goal else "",
            status_text=goal.status_text if goal else "",
        )

    # --- READING ---

    def _part_level(self, part):
        if part == "segment":
            base = self.cell.level.split("_")[0]
            return {"team": "team_segment", "user": "user_segment"}.get(base, "segment")
        return f"{part}_segment" if self.segment else part

    def _part_domain(self, part):
        """The rows below the whole, as the board's cards of bars show them."""
        domain = [("level", "=", self._part_level(part))]
        if part == "segment":
            cell = self.cell
            return [
                *domain,
                ("team_id", "=", cell.team_id),
                ("user_id", "=", cell.user_id),
                ("segment_id.set_id", "=", self.segment_set.id),
            ]
        domain.append(("segment_id", "=", self.segment.id))
        if part == "user" and self.team:
            domain.append(("user_id", "in", self.members(self.team).ids))
        return domain

    def _cells(self, kpis, periods, domain, owner):
        """Stored values under the reader's rules.

        :return: dict of ``(id of KPI, id of the owner)`` to a dict of the id of the period to
            ``(value, number of records)``
        """
        result = Cells()
        result.withheld = owner == "segment_id"
        for kpi_id, period_id, owner_id, value, record_count in self._select(
            [("kpi_id", "in", kpis.ids), ("period_id", "in", periods.ids), *domain],
            ["kpi_id", "period_id", owner or "company_id", "value", "record_count"],
        ):
            key = (kpi_id, owner_id if owner else None)
            result.setdefault(key, {})[period_id] = (value, record_count or 0)
        return result

    def _select(self, domain, columns):
        model = self.env["crm.kpi.value"]
        query = model._search(domain)
        rows = self.env.execute_query(
            query.select(*(SQL.identifier(model._table, column) for column in columns))
        )
        self.counts["values"] += len(rows)
        return rows

    def _all_goals(self, kpis):
        """Goals by KPI, period, dimension and record: of the whole for all periods, of the
        rows for the period looked at."""
        cell = self.cell
        result = {
            (kpi_id, period_id, None, None): goal
            for (kpi_id, period_id), goal in self.goals(kpis, self.axis).items()
        }
        for level in self.levels:
            found = self.env["crm.kpi.goal"].search(
                [
                    ("kpi_id", "in", kpis.ids),
                    ("period_id", "=", self.period.id),
                    ("scope", "=", self._part_level(level)),
                    *[
                        (name, "=", getattr(cell, name))
                        for name in ("team_id", "user_id", "segment_id")
                        if name != f"{level}_id"
                    ],
                ]
            )
            for goal in found:
                key = (goal.kpi_id.id, goal.period_id.id, level, goal[f"{level}_id"].id)
                result[key] = goal
        self.counts["goals"] = len(result)
        return result

    def _heat_cells(self):
        """Salespeople by segments of the period looked at, by id of the KPI."""
        if not self.period or "user" not in self.levels or "segment" not in self.levels:
            return {}
        rows = self._select(
            [
                ("kpi_id", "in", self.kpis.ids),
                ("period_id", "=", self.period.id),
                ("level", "=", "user_segment"),
                ("segment_id.set_id", "=", self.segment_set.id),
                *([("user_id", "in", self.members(self.team).ids)] if self.team else []),
            ],
            ["kpi_id", "user_id", "segment_id", "value", "record_count"],
        )
        by_kpi = defaultdict(dict)
        for kpi_id, user_id, segment_id, value, record_count in rows:
            by_kpi[kpi_id][user_id, segment_id] = (value, record_count or 0)
        segments = self.env["crm.kpi.segment"].browse({row[2] for row in rows})
        segments = segments.sorted(lambda segment: (segment.sequence, segment.name or ""))
        name = self._names("user")
        result = {}
        for kpi in self.kpis:
            cells = by_kpi.get(kpi.id)
            if not cells:
                continue
            least = kpi._least_cell(self.company.sudo())  # no secret, as above
            lines = []
            for user_id in sorted({key[0] for key in cells}, key=lambda u: name(u).casefold()):
                found = [cells.get((user_id, segment.id), (None, 0)) for segment in segments]
                notes = {
                    index: self.env._("too few (%s)", record_count)
                    for index, (value, record_count) in enumerate(found)
                    if value is None and 0 < record_count < least
                }
                lines.append((name(user_id), [value for value, _n in found], notes))
            result[kpi.id] = ([segment.name for segment in segments], lines)
        return result


class Cells(dict):
    """Values by KPI and owner; whether small ones may be withheld."""

    withheld = False


def _standing(env, goal):
    if not goal:
        return ""
    text = f"{goal.shape} {goal.status_text}"
    return env._("%s, counter-metric missed", text) if goal.counter_missed else text
