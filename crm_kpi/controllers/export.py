# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import tempfile

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wsgi import wrap_file

from odoo import http
from odoo.http import content_disposition, request

from ..board.filters import read_id
from ..workbook.request import WorkbookRequest

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Sheets that the address of a board can switch on and off.
SWITCHES = ("records", "leaderboard", "goals")


def _read_dict(text):
    """A dict that comes as JSON in an address."""
    try:
        chosen = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest() from None
    if not isinstance(chosen, dict):
        raise BadRequest()
    return chosen


def _read_board(text):
    """The id of a board in an address; ``None`` without one."""
    board_id = read_id(text)
    if text and not board_id:
        raise BadRequest()
    return board_id


class ExportController(http.Controller):
    @http.route("/crm_kpi/export/<int:wizard_id>", type="http", auth="user", methods=["GET"])
    def export_wizard(self, wizard_id):
        """The workbook of a wizard that the user filled in."""
        wizard = request.env["crm.kpi.export.wizard"].search([("id", "=", wizard_id)])
        if not wizard:
            raise NotFound()
        return self._workbook(wizard._request())

    @http.route("/crm_kpi/export/board", type="http", auth="user", methods=["GET"], readonly=True)
    def export_board(self, board_id=None, filters="{}", kpi_ids="", **switches):
        """The workbook of a board, or of some KPIs.

        :param board_id: id of the board; without it and KPIs, the first board of the reader
        :param kpi_ids: ids of KPIs, with a comma between them
        :param filters: JSON of the filters as ``crm.kpi.board.get_board`` returns them
        :param switches: ``records``, ``leaderboard``, ``goals``: 0 or 1
        """
        chosen, board_id = _read_dict(filters), _read_board(board_id)
        shown = {name: switches[name] == "1" for name in SWITCHES if name in switches}
        kpi_ids = [read_id(text) for text in kpi_ids.split(",")] if kpi_ids else []
        if not all(kpi_ids):
            raise BadRequest()
        if not kpi_ids:
            board_id = board_id or request.env["crm.kpi.board"]._visible()._first_for_reader().id
        return self._workbook(
            WorkbookRequest(board_id=board_id, kpi_ids=kpi_ids, filters=chosen, **shown)
        )

    @http.route(
        "/crm_kpi/export/scorecard", type="http", auth="user", methods=["GET"], readonly=True
    )
    def export_scorecard(self, board_id=None, filters="{}", arrangement="{}"):
        """The workbook of a scorecard, with all its rows.

        :param board_id, filters, arrangement: as ``crm.kpi.board.get_scorecard`` takes them, the
            last two as JSON
        """
        return self._workbook(
            WorkbookRequest(
                layout="scorecard",
                board_id=_read_board(board_id),
                filters=_read_dict(filters),
                arrangement=_read_dict(arrangement),
                period_count=1,
            )
        )

    def _workbook(self, workbook_request):
        # a large file lies on the disk; the response closes it
        file = tempfile.SpooledTemporaryFile(max_size=4 << 20)  # noqa: SIM115
        name = request.env["crm.kpi.export"]._write_workbook(workbook_request, file)
        size = file.tell()
        file.seek(0)
        response = http.Response(
            wrap_file(request.httprequest.environ, file),
            headers=[
                ("Content-Type", XLSX),
                ("Content-Length", size),
                ("Content-Disposition", content_disposition(name)),
                ("X-Content-Type-Options", "nosniff"),
                ("Cache-Control", "no-store"),
            ],
            direct_passthrough=True,
        )
        response.call_on_close(file.close)
        return response
