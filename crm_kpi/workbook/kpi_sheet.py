# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A sheet with KPIs one below the other: charts, then tables of owners by periods.

All tables of a sheet share their columns: the owner, the periods, the target of the last period,
and folded away at the right the components that live formulas read.
"""

from xlsxwriter.utility import xl_rowcol_to_cell as cell_name

from . import formulas
from .content import NO_VALUE, Row
from .formats import DARK
from .text import one_line

CHART_ROWS = 15
CHART_HEIGHT = 20 * CHART_ROWS - 10
#: Most rows of a ranking and most series of a stacked chart.
BARS, STACK = 15, 8
#: Colours of segments that differ in a grey print, too.
TONES = ["#1F3A5F", "#4E79A7", "#A0CBE8", "#F28E2B", "#FFBE7D", "#59A14F", "#8CD17D", "#79706E"]
HEAT_LOW, HEAT_HIGH = "#FFFFFF", "#6FA8DC"


class KpiSheet:
    """Writes the measures of one sheet.

    :ivar places: dict of the key of a measure to ``(row of its value, last column)``
    """

    def __init__(self, sheet, content):
        self.sheet, self.content = sheet, content
        self.words = content.words
        self.periods = content.periods
        self.last = len(self.periods)  # column of the last period; column 0 is the owner
        self.extra = self.last + 1
        self.first_part = self.extra + 5
        self.places = {}
        self.part_columns = 0
        self._width = 18

    def fill(self, title, measures):
        sheet = self.sheet
        sheet.title(title, self.content.subtitle)
        sheet.headers(2, 0, [self.words["period"]])
        sheet.headers(2, 1, self.periods, align="right")
        row = 4
        breaks = []
        for number, measure in enumerate(measures):
            if number:
                breaks.append(row)
            row = self._measure(measure, row)
        sheet.widths([self._width] + [9] * len(self.periods) + [14, 7, 10, 8, 14])
        if self.part_columns:
            last = self.first_part + self.part_columns - 1
            sheet.inner.set_column(self.first_part, last, 12, None, {"level": 1, "hidden": True})
            sheet.inner.set_column(last + 1, last + 1, 3, None, {"collapsed": True})
        sheet.inner.freeze_panes(3, 1)
        sheet.inner.repeat_rows(2)
        sheet.inner.set_h_pagebreaks(breaks)
        sheet.inner.print_area(0, 0, max(row - 1, 1), self.first_part - 1)
        sheet.inner.outline_settings(symbols_right=True)

    def _measure(self, measure, row):
        """Write a measure at a row; returns the first row after it."""
        sheet = self.sheet
        name_row = row
        sheet.text(row, 0, measure.name, bold=True, font_size=13, font_color=DARK)
        sheet.text(row + 1, 0, measure.about, font_color="#555555", italic=True)
        charts_row = row + 2
        charted = any(formulas.is_number(value) for value in measure.whole.values)
        row = charts_row + (CHART_ROWS if charted else 0)
        whole_row = row + 1
        row, lines = self._whole(measure, row)
        ranges = {}
        for block in measure.blocks:
            if block.rows:
                ranges[block.level] = (row + 1, len(block.rows), block)
                row = self._block(measure, block, row, whole_row)
        if measure.heat:
            row = self._heat(measure, row)
        if charted:
            self._trend_chart(measure, name_row, charts_row, whole_row, lines)
            for level, place in (("user", (0.4, 0.28)), ("segment", (0.69, 0.31))):
                if level in ranges:
                    self._rows_chart(measure, charts_row, place, *ranges[level])
        self.places[measure.key] = (whole_row, self.last)
        return row + 1

    # --- TABLES ---

    def _names(self, measure, header):
        words = self.words
        names = [header, *self.periods]
        names += [words["trend"], words["records"], words["target"], words["attainment"]]
        names.append(words["status"])
        for part in measure.part_names.values():
            names += [f"{part} · {period}" for period in self.periods]
        self.part_columns = max(self.part_columns, len(measure.part_names) * len(self.periods))
        return names

    def _whole(self, measure, row):
        """Write the chosen cell with its targets, forecasts and numbers of records.

        :return: the first row after it, and a dict of the name of each line to its row
        """
        sheet, words, fmt = self.sheet, self.words, measure.number_format
        lines = [
            (name, values, number_format)
            for name, values, number_format in (
                ("target", measure.targets, fmt),
                ("forecast", measure.forecasts, fmt),
                ("records", measure.counts, "#,##0"),
            )
            if any(formulas.is_number(value) for value in values)
        ]
        sheet.table(
            row,
            0,
            self._names(measure, words["whole"]),
            1 + len(lines),
            measure.name,
            False,
            right=self._right(),
        )
        self._row(measure, measure.whole, row + 1, bold=True)
        self._trends(measure, row + 1, [measure.whole])
        for offset, (name, values, number_format) in enumerate(lines, start=2):
            self._label(row + offset, words[name])
            for index, value in enumerate(values):
                if formulas.is_number(value):
                    sheet.number(row + offset, 1 + index, value, number_format)
        places = {name: row + offset for offset, (name, *_rest) in enumerate(lines, start=2)}
        return row + 2 + len(lines) + 1, places

    def _right(self):
        """Columns of numbers: the periods, records, target and attainment."""
        return {*range(1, self.extra), *range(self.extra + 1, self.extra + 4)}

    def _block(self, measure, block, row, whole_row):
        sheet = self.sheet
        first, count = row + 1, len(block.rows)
        sheet.table(
            row,
            0,
            self._names(measure, block.header),
            count,
            f"{measure.name} {block.level}",
            right=self._right(),
        )
        for offset, line in enumerate(block.rows):
            self._row(measure, line, first + offset)
        self._trends(measure, first, block.rows)
        if measure.direction != "maintain":
            colours = [HEAT_LOW, HEAT_HIGH]
            if measure.direction == "decrease":
                colours.reverse()
            sheet.inner.conditional_format(
                first,
                1,
                first + count - 1,
                self.last,
                {"type": "2_color_scale", "min_color": colours[0], "max_color": colours[1]},
            )
        self._total(measure, block, first, count)
        return first + count + 2

    def _label(self, row, text, **look):
        self._width = max(self._width, min(len(text or ""), 40))
        self.sheet.text(row, 0, text, **look)

    def _row(self, measure, line, row, **look):
        sheet, fmt = self.sheet, measure.number_format
        self._label(row, line.label, **look)
        for index, value in enumerate(line.values):
            formula = self._live(measure, line, index, row)
            if formula:
                sheet.formula(row, 1 + index, formula, value, fmt, **look)
            else:
                sheet.number(row, 1 + index, value, fmt, line.notes.get(index), **look)
        for part, index, column in self._parts(measure):
            value = line.parts.get(part, [None] * len(self.periods))[index]
            if formulas.is_number(value):
                sheet.number(row, column, value, measure.part_formats[part])
        if line.record_count is not None:
            sheet.number(row, self.extra + 1, line.record_count, "#,##0")
        if line.target is not None:
            self._goal(line, row, fmt)

    def _trends(self, measure, row, lines):
        """A sparkline for each of some lines; one group is faster than many."""
        rows = [
            row + offset
            for offset, line in enumerate(lines)
            if any(formulas.is_number(value) for value in line.values)
        ]
        if rows:
            self.sheet.inner.add_sparkline(
                rows[0],
                self.extra,
                {
                    "location": [cell_name(line, self.extra) for line in rows],
                    "range": [self.sheet.cells(line, 1, line, self.last)[1:] for line in rows],
                    "type": "column" if measure.summable else "line",
                    "series_color": DARK,
                    "last_point": True,
                    "last_color": "#C55A11",
                },
            )

    def _goal(self, line, row, fmt):
        sheet, col = self.sheet, self.extra + 2
        sheet.number(row, col, line.target, fmt)
        value = line.values[-1] if line.values else None
        attainment = formulas.shown_attainment(line.attainment)
        simple = (
            formulas.is_number(value)
            and line.target
            and formulas.same(value / line.target, line.attainment)
        )
        if simple:
            cells = cell_name(row, self.last), cell_name(row, col)
            formula = formulas.attainment_formula(*cells)
            sheet.formula(row, col + 1, formula, attainment, "0%")
        else:
            sheet.number(row, col + 1, attainment, "0%")
        look = sheet.styles.status(line.status)
        sheet.inner.write_string(row, col + 2, one_line(line.status_text) or NO_VALUE, look)

    def _parts(self, measure):
        """``(component, index of the period, column)`` of the folded columns."""
        for number, part in enumerate(measure.part_names):
            for index in range(len(self.periods)):
                yield part, index, self.first_part + number * len(self.periods) + index

    def _live(self, measure, line, index, row):
        """The formula of a ratio in a cell, if it results exactly in the stored value."""
        if not measure.formula or not formulas.is_number(line.values[index]):
            return None
        keys = list(measure.part_names)
        components = {(part.code, part.shift): part for part in measure.formula.components}
        numbers = {part: line.parts.get(key, {})[index] for key, part in components.items()
                   if key in line.parts}  # fmt: skip
        constants = measure.constants[index]
        known = [number for number in numbers.values() if formulas.is_number(number)]
        if len(known) < len(components) or not formulas.same(
            measure.formula.evaluate(numbers, constants), line.values[index]
        ):
            return None
        references = {
            key: cell_name(row, self.first_part + number * len(self.periods) + index)
            for number, key in enumerate(keys)
        }
        return formulas.ratio_formula(measure.formula.tree, references, constants)

    def _total(self, measure, block, first, count):
        """Write the total below its rows.

        It is a live sum, or a ratio of sums, if that is the stored value. Otherwise the stored
        value is written, and the label says that the rows do not add up.
        """
        sheet, row = self.sheet, first + count
        look = sheet.total_look()
        lines = block.rows
        add = lambda col: (  # noqa: E731
            f"=SUBTOTAL(109,{cell_name(first, col)}:{cell_name(first + count - 1, col)})"
        )
        parts, sums = {}, set()
        for part, index, column in self._parts(measure):
            stored = measure.whole.parts.get(part, [None] * len(self.periods))[index]
            total = _sum(line.parts.get(part, [None] * len(self.periods))[index] for line in lines)
            parts.setdefault(part, []).append(stored)
            if measure.part_summable.get(part) and formulas.same(total, stored):
                sums.add((part, index))
                sheet.formula(row, column, add(column), stored, measure.part_formats[part], **look)
            elif formulas.is_number(stored):
                sheet.number(row, column, stored, measure.part_formats[part], **look)
        whole = Row(measure.whole.label, measure.whole.values, measure.whole.notes, parts)
        live = 0
        for index, value in enumerate(whole.values):
            column = 1 + index
            if measure.formula:
                added = all((part, index) in sums for part in measure.part_names)
                formula = added and self._live(measure, whole, index, row)
            else:
                total = _sum(line.values[index] for line in lines)
                added = measure.summable and formulas.same(total, value)
                formula = added and formulas.is_number(value) and add(column)
            if formula:
                live += 1
                sheet.formula(row, column, formula, value, measure.number_format, **look)
            else:
                sheet.number(
                    row, column, value, measure.number_format, whole.notes.get(index), **look
                )
        known = sum(formulas.is_number(value) for value in whole.values)
        adds_up = measure.summable or (
            bool(measure.formula) and all(measure.part_summable.values())
        )
        label = self.words["total"] if live == known and live else self.words["not_summable"]
        if live < known and adds_up:
            label = self.words["partial"]
        self._label(row, label, **look)

    def _heat(self, measure, row):
        sheet = self.sheet
        columns, lines = measure.heat
        last = self.periods[-1] if self.periods else ""
        sheet.inner.set_row(row, 30)  # room for long names of segments
        sheet.table(
            row,
            0,
            [f"{self.words['heat']} · {last}", *columns],
            len(lines),
            f"{measure.name} heat",
            right=range(1, 1 + len(columns)),
        )
        for offset, (label, values) in enumerate(lines, start=1):
            self._label(row + offset, label)
            for index, value in enumerate(values):
                # a text in place of a value that is withheld
                sheet.number(row + offset, 1 + index, value, measure.number_format, value)
        colours = [HEAT_LOW, HEAT_HIGH]
        if measure.direction == "decrease":
            colours.reverse()
        sheet.inner.conditional_format(
            row + 1,
            1,
            row + len(lines),
            len(columns),
            {"type": "2_color_scale", "min_color": colours[0], "max_color": colours[1]},
        )
        return row + len(lines) + 2

    # --- CHARTS ---

    def _chart(self, options, title, measure, row, place):
        """A chart over the shared columns.

        :param place: start and width of the chart, as shares of the width of the columns
        """
        # width of the columns, see fill(): seven pixels for each character
        space = 7 * (24 + 11 * len(self.periods) + 63)
        chart = self.sheet.book.workbook.add_chart(options)
        # titles by reference: a text such as =Sheet!A1 would be read as a reference
        chart.set_title({"name": title, "name_font": {"size": 11, "color": DARK}, "overlay": False})
        chart.set_size({"width": int(space * place[1]), "height": CHART_HEIGHT})
        chart.set_chartarea({"border": {"color": "#C5CED9"}})
        self.sheet.inner.insert_chart(
            row,
            0,
            chart,
            {
                "object_position": 1,
                "x_offset": 4 + int(space * place[0]),
                "y_offset": 4,
                "description": one_line(f"{measure.name}: {self.words['chart_note']}", 200),
            },
        )
        return chart

    def _trend_chart(self, measure, name_row, row, whole_row, lines):
        """Actual solid, forecast hatched, target outlined, as in reports to IBCS."""
        sheet = self.sheet
        chart = self._chart(
            {"type": "column"}, sheet.cells(name_row, 0, name_row, 0), measure, row, (0, 0.39)
        )
        axis = sheet.cells(whole_row - 1, 1, whole_row - 1, self.last)
        series = lambda line: {  # noqa: E731
            "name": sheet.cells(line, 0, line, 0),
            "categories": axis,
            "values": sheet.cells(line, 1, line, self.last),
            "overlap": 100,
            "gap": 60,
        }
        if "forecast" in lines:
            hatch = {"pattern": "wide_upward_diagonal", "fg_color": DARK, "bg_color": "#FFFFFF"}
            chart.add_series(
                {**series(lines["forecast"]), "pattern": hatch, "border": {"color": DARK}}
            )
        chart.add_series({**series(whole_row), "fill": {"color": DARK}, "border": {"color": DARK}})
        if "target" in lines:
            outline = {"color": "#C55A11", "width": 1.75}
            chart.add_series({**series(lines["target"]), "fill": {"none": True}, "border": outline})
        chart.set_legend({"position": "bottom"})
        chart.set_y_axis(
            {
                "num_format": measure.number_format,
                "major_gridlines": {"visible": True, "line": {"color": "#E3E8EE"}},
                "line": {"none": True},
            }
        )
        chart.set_x_axis({"num_font": {"size": 8}})

    def _rows_chart(self, measure, row, place, first, count, block):
        """A stacked chart of segments that add up, else the best rows of the last period."""
        if block.level == "segment" and measure.summable:
            self._stack_chart(measure, row, place, first, min(count, STACK))
            return
        # rows without a value come last
        ranked = sum(formulas.is_number(line.values[-1]) for line in block.rows)
        if ranked > 1:
            self._rank_chart(measure, row, place, first, min(ranked, BARS))

    def _rank_chart(self, measure, row, place, first, shown):
        sheet = self.sheet
        title = sheet.cells(first - 1, 0, first - 1, 0)
        chart = self._chart({"type": "bar"}, title, measure, row, place)
        chart.add_series(
            {
                "name": sheet.cells(first - 1, self.last, first - 1, self.last),
                "categories": sheet.cells(first, 0, first + shown - 1, 0),
                "values": sheet.cells(first, self.last, first + shown - 1, self.last),
                "fill": {"color": "#4E79A7"},
                "gap": 40,
                "data_labels": {"value": True, "num_format": measure.number_format},
            }
        )
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True, "line": {"none": True}, "num_font": {"size": 8}})
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})

    def _stack_chart(self, measure, row, place, first, shown):
        sheet = self.sheet
        title = sheet.cells(first - 1, 0, first - 1, 0)
        options = {"type": "column", "subtype": "stacked"}
        chart = self._chart(options, title, measure, row, place)
        for offset in range(shown):
            line = first + offset
            chart.add_series(
                {
                    "name": sheet.cells(line, 0, line, 0),
                    "categories": sheet.cells(first - 1, 1, first - 1, self.last),
                    "values": sheet.cells(line, 1, line, self.last),
                    "fill": {"color": TONES[offset]},
                    "gap": 50,
                }
            )
        chart.set_legend({"position": "bottom"})
        chart.set_y_axis(
            {
                "num_format": measure.number_format,
                "major_gridlines": {"visible": True, "line": {"color": "#E3E8EE"}},
                "line": {"none": True},
            }
        )
        chart.set_x_axis({"num_font": {"size": 8}})


def _sum(numbers):
    """Sum of the numbers as Excel adds them: cells without a number are skipped."""
    return float(sum(number for number in numbers if formulas.is_number(number)))
