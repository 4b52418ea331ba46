# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The sheet of the scorecard: people, teams or segments in rows, KPIs in columns."""

from ...board import header
from ...board.change import Change, sign
from .. import content as wb


def scorecard_page(reader):
    """All rows of ``reader.scorecard`` in their order, the total first.

    A KPI has a column of numbers, and columns of texts where one of its cells has such a text.
    """
    env, scorecard, words = reader.env, reader.scorecard, reader.words
    total = scorecard.total()
    rows = [total, *scorecard.rows()]
    names = [env._("%s (total)", total.name), *(row.name for row in rows[1:])]
    headers, columns = [words[scorecard.dimension]], [names]
    for index, kpi in enumerate(scorecard.shown_kpis):
        cells = [row.cells[index] for row in rows]
        number_format = reader.number_format(kpi)
        headers.append(kpi.name)
        columns.append([(cell.value, number_format) for cell in cells])
        for word, text in (
            ("status", _status),
            ("change", _change),
            ("signal", _signal),
            ("remark", _remark),
        ):
            texts = [text(cell) for cell in cells]
            if any(texts):
                headers.append(f"{kpi.name} · {words[word]}")
                columns.append(texts)
    table = wb.Table(words["scorecard"], headers, [list(row) for row in zip(*columns, strict=True)])
    return wb.Page(words["scorecard"], env._("Scorecard"), [table], _lines(reader))


def _lines(reader):
    """What the screen says above the table, as ``(name, text)``."""
    env, words, context = reader.env, reader.words, reader.context
    lines = [(env._("Values of"), reader.owner_text)]
    if context.period:
        lines.append((words["period"], header.period_info(context).label))
    basis = reader.scorecard.basis_text()
    others = [
        f"{column.name}: {column.basis_text}"
        for column in reader.scorecard.columns()
        if column.basis_text
    ]
    if basis or others:
        lines.append((words["basis"], " · ".join(filter(None, [basis, *others]))))
    return lines + [(words["remark"], note) for note in context.notes + reader.scorecard.notes()]


def _status(cell):
    return wb.StatusText(f"{cell.shape} {cell.status_text}", cell.status) if cell.status else None


def _change(cell):
    found = Change(cell.change, cell.change_trend, cell.change_up)
    return f"{sign(found)}{cell.change}" if cell.change else None


def _signal(cell):
    return cell.signal_text or None


def _remark(cell):
    return cell.state_text or None
