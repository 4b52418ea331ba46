# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import UserError

from ...board.context import BoardContext
from ...workbook.compose import compose
from ...workbook.reader import WorkbookReader
from ...workbook.report import write_report
from ...workbook.summary import summary_cards
from ...workbook.text import file_stem

#: Larger workbooks are made in the background.
MAX_CELLS_AT_ONCE = 400_000


class CrmKpiExport(models.AbstractModel):
    """Makes Excel workbooks: what the screens show, read under the rights of the reader.

    A workbook shows the stored values, goals and statuses. It adds the layout, and formulas that
    result in the stored values.
    """

    _name = "crm.kpi.export"
    _description = "KPI Workbooks"

    @api.model
    def _write_workbook(self, request, file):
        """Write a workbook.

        :param request: :class:`~...workbook.request.WorkbookRequest`
        :param file: path or binary file
        :return: name for the file
        """
        reader = self._reader(request)
        content = compose(reader)
        if request.layout == "targets":
            reader.listed_goals()._write_targets(content, reader.number_format, file)
        else:
            write_report(file, content, flat=request.is_streamed)
        return self._file_name(content)

    @api.model
    def _figures(self, request):
        """What a mail says of a workbook: the period, notes, and the lines of the summary."""
        reader = self._reader(request)
        return {
            "subtitle": reader.subtitle,
            "notes": reader.context.notes,
            "date": reader.context.period.date_from,
            "cards": summary_cards(reader),
        }

    @api.model
    def _estimate(self, request):
        """Rough number of cells that a workbook will have."""
        return self._reader(request).estimate()

    @api.model
    def _reader(self, request):
        boards = self.env["crm.kpi.board"]
        if request.layout == "scorecard":
            arrangement = {**(request.arrangement or {}), "all_rows": True}
            table, offered = boards._scorecard(request.board_id, request.filters, arrangement)
            # the columns may be those of no board
            board = boards if offered["choice"] else boards.browse(offered["board"]["id"])
            return WorkbookReader(table.context, request, board, table)
        board = boards
        if request.board_id:
            board = boards._visible().filtered(lambda b: b.id == request.board_id)
            if not board:
                raise UserError(
                    self.env._("Board: it was deleted, or you may not see it. Choose another.")
                )
        kpis = board._shown_kpis() if board else self.env["crm.kpi"]
        if request.kpi_ids:
            kpis = kpis.search([("id", "in", request.kpi_ids), ("state", "=", "published")])
        context = BoardContext(board or boards._default_board(), request.board_filters, kpis)
        return WorkbookReader(context, request, board)

    @api.model
    def _file_name(self, content):
        day = content.properties["created"].strftime("%Y-%m-%d")
        return f"{file_stem(content.title)}_{day}.xlsx"
