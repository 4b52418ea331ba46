# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The plain tables of a workbook: goals, ranking, records, definitions, audit, plain rows."""

from datetime import datetime

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tools.misc import format_datetime

from ...board import header
from ...board.context import BoardContext
from ...board.explain import explain
from ...board.ranking import Ranking
from ...workbook import content as wb

#: Most salespeople of a KPI in the ranking, and most records behind a KPI.
RANKED, RECORDS = 50, 500
#: Plain rows that are read at a time.
BATCH = 5000
DAY, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


class PagesView(BoardContext):
    """What a workbook shows in plain tables."""

    def _text_of(self, record, name):
        """The label of a selection."""
        return dict(record._fields[name]._description_selection(self.env)).get(record[name], "")

    # --- GOALS ---

    def _goals_page(self):
        goals = self._shown_goals()
        names = [
            self.env._("KPI"), self.env._("Period"), self.env._("For"), self.env._("Whose"), self.env._("Goal"), self.env._("Promised"), self.env._("Target"),
            self.env._("Upper bound"), self.env._("Current"), self.env._("Attained"), self.env._("Expected by now"), self.env._("At the end"),
            self.env._("Records"), self.env._("Status"), self.env._("Since"), self.env._("Pace"), self.env._("Reasons and means"),
        ]  # fmt: skip
        rows = []
        for goal in goals:
            fmt = self.number_format(goal.kpi_id, goal.currency_id)
            rows.append(
                [
                    goal.kpi_id.name,
                    goal.period_id.display_name,
                    self._text_of(goal, "scope"),
                    goal.scope_name,
                    self._text_of(goal, "kind"),
                    goal.target_text,
                    (goal.target, fmt),
                    (goal.target_max, fmt) if goal.kind == "range" else None,
                    (goal.value, fmt),
                    (goal.attainment, "0%"),
                    (goal.expected, "0%"),
                    (goal.projected, fmt),
                    (goal.record_count, "#,##0"),
                    goal.status_text,
                    goal.status_since and (self._moment(goal.status_since), MOMENT),
                    goal.pace_text or "",
                    goal.note or "",
                ]
            )
        table = wb.Table(
            self.env._("Goals"),
            names,
            rows,
            status_column=13,
            statuses=[goal.status for goal in goals],
            bar_column=9,
            note="" if goals else self.env._("No goals for these KPIs in this period."),
        )
        return wb.Page(self.words["goals"], self.env._("Goals"), [table])

    def _shown_goals(self):
        model = self.env["crm.kpi.goal"]
        if "goal_ids" in self.options:
            return model.search([("id", "in", self.options["goal_ids"])])
        cell = self.cell
        domain = [("kpi_id", "in", self.kpis.ids), ("period_id", "=", self.period.id)]
        if cell.level.startswith("user"):
            domain.append(("user_id", "=", cell.user_id))
        elif cell.level.startswith("team"):
            domain += [
                "|", ("team_id", "=", cell.team_id), ("user_id", "in", self.members(self.team).ids)
            ]  # fmt: skip
        return model.search(domain)

    def _moment(self, moment):
        """Excel's number for an instant, in the time zone of the KPIs."""
        local = fields.Datetime.context_timestamp(
            self.company.with_context(tz=self.company._kpi_tz()), moment
        )
        return excel_day(local.replace(tzinfo=None))

    # --- RANKING ---

    def _leaderboard_page(self):
        goals = {
            (goal.kpi_id.id, goal.user_id.id): goal
            for goal in self.env["crm.kpi.goal"].search(
                [
                    ("kpi_id", "in", self.kpis.ids),
                    ("period_id", "=", self.period.id),
                    ("scope", "=", "user_segment" if self.segment else "user"),
                    ("segment_id", "=", self.segment.id),
                ]
            )
        }
        values = {
            (kpi_id, user_id): value
            for kpi_id, user_id, value in self._select(
                [
                    ("kpi_id", "in", self.kpis.ids),
                    ("period_id", "=", self.period.id),
                    ("level", "=", "user_segment" if self.segment else "user"),
                    ("segment_id", "=", self.segment.id),
                ],
                ["kpi_id", "user_id", "value"],
            )
        }
        rows, statuses, notes = [], [], []
        for kpi in self.kpis:
            board = Ranking(self, kpi).leaderboard("value")
            if board.note:
                notes.append(board.note)
            fmt = self.number_format(kpi)
            for entry in board.rows[:RANKED]:
                key = (kpi.id, entry.user_id)
                goal = goals.get(key)
                # of colleagues who stay unnamed there is the text of the screen only
                known = entry.user_id and key in values
                rows.append(
                    [
                        kpi.name,
                        entry.rank,
                        entry.name,
                        (values[key], fmt) if known else entry.value_text,
                        entry.target_text or None,
                        (goal.attainment, "0%") if goal else entry.attainment_text or None,
                        goal.status_text if goal else None,
                    ]
                )
                statuses.append(goal.status if goal else "")
        table = wb.Table(
            self.env._("Leaderboard"),
            [self.env._("KPI"), self.env._("Rank"), self.env._("Salesperson"), self.env._("Value"), self.env._("Promised"), self.env._("Attained"),
             self.env._("Status")],
            rows,
            formats=[None, "0"],
            note=" ".join(dict.fromkeys(notes)) or ("" if rows else self.env._("No salesperson has a value in this period.")),
            status_column=6,
            statuses=statuses,
            bar_column=5,
        )  # fmt: skip
        return wb.Page(self.words["leaderboard"], self.env._("Leaderboard"), [table])

    # --- RECORDS ---

    def _records_page(self):
        rows, lines = [], []
        for kpi in self.kpis:
            found, seen, counted = self._records_behind(kpi)
            rows += found
            if counted:
                lines.append(
                    (
                        kpi.name,
                        self.env._(
                            "%(shown)s of %(counted)s records are listed, %(seen)s are visible to "
                            "you.",
                            shown=len(found),
                            seen=seen,
                            counted=counted,
                        ),
                    )
                )
        table = wb.Table(
            self.env._("Records"),
            [self.env._("KPI"), self.env._("Record"), self.env._("Date"), self.env._("Salesperson"), self.env._("Sales team"), self.env._("Customer"),
             self.env._("Counted with"), self.env._("Number")],
            rows,
            formats=[None, None, None, None, None, None, None, "0"],
            note="" if rows else self.env._("No records behind these figures."),
        )  # fmt: skip
        return wb.Page(self.words["records_page"], self.env._("Records"), [table], lines)

    def _records_behind(self, kpi):
        """``(rows, number visible to the reader, number counted)`` of the records of a KPI."""
        cell = self.cell
        known = self.values(kpi, self.period).get((kpi.id, self.period.id))
        if not known:
            return [], 0, 0
        action = kpi._open_cell_records(self.period, cell._asdict())
        if action["res_model"] == "crm.kpi.value":
            return [], 0, 0
        [(_field, _operator, ids)] = action["domain"]
        # superuser: where the records of a KPI are dated and who has them is its definition
        part = kpi.sudo()._aggregates_behind()[:1]
        source = part.source_id
        records = self.env[action["res_model"]].with_context(**action["context"]).browse(ids)
        paths = [None] * 5
        if action["res_model"] == source.model:
            value = part.value_field if part.aggregator not in ("count", "count_distinct") else None
            paths = [source.date_field, source.user_field, source.team_field, source.partner_field]
            paths.append(value if value and not value.startswith("@") else None)
        rows = []
        for record in records[:RECORDS]:
            cells = [self._record_cell(record, path) for path in paths]
            rows.append([kpi.name, record.display_name, *cells, record.id])
        self.env.invalidate_all(flush=False)
        return rows, len(ids), known.record_count

    def _record_cell(self, record, path):
        """What a record says at a path, as far as the reader may look."""
        if not path:
            return None
        try:
            for name in path.split("."):
                field = record._fields.get(name)
                if field is None:
                    return None
                record = record[name]
            if field.relational:
                return ", ".join(record.mapped("display_name")) or None
        except AccessError:
            return None
        if field.type == "datetime":
            return record and (self._moment(record), MOMENT)
        if field.type == "date":
            return record and (excel_day(record), DAY)
        if field.type in ("integer", "float", "monetary"):
            return (record, "#,##0.00" if field.type != "integer" else "#,##0")
        return str(record) if record not in (None, False) else None

    # --- DEFINITIONS ---

    def _definitions_page(self):
        shown = self.kpis | self.kpis.component_ids
        rows = []
        for kpi in shown:
            source = kpi.sudo().source_id  # its name and its date field are no secrets
            rows.append(
                [
                    kpi.name,
                    kpi.code,
                    kpi.category_id.name,
                    self._text_of(kpi, "metric_class"),
                    self._text_of(kpi, "kind"),
                    kpi.computation_text or "",
                    kpi.formula if kpi.kind == "formula" else "",
                    source.name or "",
                    source.date_field or "",
                    kpi.domain if kpi.kind != "formula" and kpi.domain != "[]" else "",
                    self._text_of(kpi, "unit"),
                    self._text_of(kpi, "direction"),
                    kpi.min_sample or None,
                    kpi.counter_kpi_id.name or "",
                    (kpi.version, "0"),
                    self.env._("Sum")
                    if _adds_up(kpi)
                    else self.env._("No sum: computed anew at each level"),
                    kpi.description or "",
                    kpi.reference or "",
                ]
            )
        table = wb.Table(
            self.env._("Definitions"),
            [self.env._("KPI"), self.env._("Code"), self.env._("Category"), self.env._("Class"), self.env._("Kind"), self.env._("Computed as"),
             self.env._("Formula"), self.env._("Source"), self.env._("Date"), self.env._("Filter"), self.env._("Unit"), self.env._("Objective"),
             self.env._("Minimum sample"), self.env._("Counter-metric"), self.env._("Version"), self.env._("Total of rows"),
             self.env._("Explanation"), self.env._("Literature")],
            rows,
        )  # fmt: skip
        lines = [
            (self.env._("No value"), self.env._("A dash (–) means that there is nothing to compute from: it is not zero.")),
            (self.env._("Time zone"), self.company._kpi_tz()),
            (
                self.env._("Money"),
                self.env._(
                    "In %(currency)s, the currency of %(company)s.",
                    currency=self.company.currency_id.name,
                    company=self.company.name,
                ),
            ),
        ]  # fmt: skip
        return wb.Page(self.words["definitions"], self.env._("Definitions"), [table], lines)

    # --- AUDIT ---

    def _audit_page(self):
        env = self.env
        fresh = header.freshness(self)
        tz = self.company._kpi_tz()
        reader = env.user
        lines = [
            (self.env._("Made for"), f"{reader.name} ({reader.login})"),
            (
                self.env._("Made on"),
                f"{format_datetime(env, self.now, tz=tz, dt_format='medium')} ({tz})",
            ),
            (self.env._("Figures as of"), fresh.as_of or self.env._("Never computed yet")),
            (self.env._("Company"), self.company.name),
            (self.env._("Board"), self.board.name if self.board else "–"),
            (self.env._("Whose numbers"), self._whose()),
            (self.env._("Segments"), self.segment_set.name or "–"),
            (
                self.env._("Rights"),
                self.env._("all figures of the company")
                if self.sees_all
                else self.env._("own figures, and the totals that KPIs share"),
            ),
            (self.env._("Language"), env.lang or "en_US"),
        ]
        if self.period:
            shown = header.period_info(self)
            lines += [
                (
                    self.env._("Period"),
                    f"{shown.label} ({shown.date_from} – {shown.date_to})",
                ),
                (self.env._("State"), f"{shown.state_text}, {shown.elapsed_text}"),
            ]
        if self.layout != "list":
            first = self.axis[:1].display_name or "–"
            lines += [
                (
                    self.env._("Periods shown"),
                    self.env._("%(count)s, from %(first)s on", count=len(self.axis), first=first),
                ),
                (
                    self.env._("Compared with"),
                    dict(env["crm.kpi.board"]._fields["comparison"]._description_selection(env))[
                        self.comparison
                    ],
                ),
            ]
        if self.layout == "list":
            self.counts["values"] = env["crm.kpi.value"].search_count(self._list_domain())
        lines += [
            (self.env._("Values read"), str(self.counts["values"])),
            (self.env._("Goals read"), str(self.counts["goals"])),
        ]
        values = self.values(self.kpis, self.period) if self.period else {}
        versions = []
        for kpi in self.kpis:
            cell = values.get((kpi.id, self.period.id))
            computed = cell and cell.computed_at
            versions.append(
                [
                    kpi.name,
                    kpi.code,
                    (kpi.version, "0"),
                    computed and (self._moment(computed), MOMENT),
                    (cell.record_count, "#,##0") if cell else None,
                    self.env._("could not be computed") if kpi.last_error else "",
                ]
            )
        tables = [
            wb.Table(
                self.env._("Versions"),
                [
                    self.env._("KPI"),
                    self.env._("Code"),
                    self.env._("Version"),
                    self.env._("Computed on"),
                    self.env._("Records"),
                    self.env._("Remark"),
                ],
                versions,
            ),
            self._restatements(),
        ]
        if self.period and self.options.get("records"):
            tables.append(self._counted())
        return wb.Page(self.words["audit"], self.env._("Audit"), tables, lines)

    def _counted(self):
        """Numbers of included and, by reason, of excluded records."""
        included = self.env._("Included records")
        rows = [
            [kpi.name, part.name, text, (count, "#,##0"), part.note]
            for kpi in self.kpis
            for part in explain(self, kpi)
            if part.included is not None
            for text, count in [
                *((reason.text, reason.count) for reason in part.excluded),
                (included, part.included),
            ]
        ]
        return wb.Table(
            self.env._("Records counted"),
            [
                self.env._("KPI"),
                self.env._("Part"),
                self.env._("Records that are"),
                self.env._("Number"),
                self.env._("Remark"),
            ],
            rows,
        )

    def _restatements(self):
        lines = self.env["crm.kpi.restatement"].search(
            [("kpi_id", "in", self.kpis.ids), ("period_id", "in", self.axis.ids)], limit=500
        )
        rows = []
        for line in lines:
            fmt = self.number_format(line.kpi_id)
            names = [
                line[f"{part}_id"].display_name or self.env._("Unassigned")
                for part in line.level.split("_")
            ]
            rows.append(
                [
                    line.kpi_id.name,
                    line.period_id.display_name,
                    " · ".join(names),
                    (line.value_locked, fmt),
                    (line.value_now, fmt),
                    self._text_of(line, "reason"),
                    (self._moment(line.date), MOMENT),
                ]
            )
        return wb.Table(
            self.env._("Restatements"),
            [self.env._("KPI"), self.env._("Period"), self.env._("Whose"), self.env._("Reported"), self.env._("Now"), self.env._("Reason"),
             self.env._("Noticed on")],
            rows,
            note="" if rows else self.env._("No locked figure of these periods differs from the records."),
        )  # fmt: skip

    # --- PLAIN ROWS ---

    def _list_domain(self):
        if "value_ids" in self.options:
            return [("id", "in", self.options["value_ids"])]
        levels = [self._part_level(level) for level in self.levels] + [self.cell.level]
        return [
            ("kpi_id", "in", self.kpis.ids),
            ("period_id", "in", self.axis.ids),
            ("level", "in", levels),
        ]

    def _list_page(self):
        table = wb.Table(
            self.env._("Values"),
            [self.env._("KPI"), self.env._("Category"), self.env._("Period"), self.env._("From"), self.env._("Level"), self.env._("For"), self.env._("Value"),
             self.env._("Records"), self.env._("Promised"), self.env._("Attained"), self.env._("Status"), self.env._("Definition version")],
            self._list_rows(),
        )  # fmt: skip
        if "value_ids" in self.options:
            table.rows = list(table.rows)
        return wb.Page(self.words["values"], self.env._("Values"), [table])

    def _list_rows(self):
        """Rows in batches by id, so that memory stays flat."""
        model = self.env["crm.kpi.value"]
        last = 0
        while True:
            values = model.search(
                [*self._list_domain(), ("id", ">", last)], limit=BATCH, order="id"
            )
            if not values:
                return
            last = values[-1].id
            for value in values:
                kpi = value.kpi_id
                goal = value.goal_id
                withheld = value.value is False and value.record_count and value.segment_id
                yield [
                    kpi.name,
                    kpi.category_id.name,
                    value.period_id.display_name,
                    (excel_day(value.date_from), DAY),
                    self._text_of(value, "level"),
                    value.scope_name,
                    value.value_text
                    if withheld
                    else (value.value, self.number_format(kpi, value.currency_id)),
                    (value.record_count, "#,##0"),
                    goal.target_text if goal else None,
                    (goal.attainment, "0%") if goal else None,
                    goal.status_text if goal else None,
                    (value.version, "0"),
                ]
            model.invalidate_model(flush=False)


def _adds_up(kpi):
    return kpi.kind != "formula" and kpi.aggregator in ("count", "sum", "sum_known")


def excel_day(moment):
    """A day or a naive local time as Excel counts it.

    >>> excel_day(datetime(2026, 11, 22, 12))
    46348.5
    """
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    gone = moment - datetime(1899, 12, 30)
    return gone.days + gone.seconds / 86400
