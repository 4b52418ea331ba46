# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models

from ...board import tools
from ...board.figures import find_period


class CrmKpiTool(models.AbstractModel):
    """Questions of AI agents about KPIs; each method is a tool that only reads.

    A server of the Model Context Protocol, or the server actions of Odoo that serve as tools,
    pass the names and the arguments on. Answers are those of boards for the same user.
    """

    _name = "crm.kpi.tool"
    _description = "KPI Tools for AI Agents"

    @api.model
    @api.readonly
    def get_tools(self):
        """All tools: list of dicts ``name, description, inputSchema, annotations``."""
        return [tool.describe() for tool in tools.TOOLS]

    @api.model
    @api.readonly
    def list_kpis(self, words=""):
        """See :func:`~odoo.addons.crm_kpi.board.tools.list_kpis`."""
        return tools.as_answer(tools.list_kpis(self._board(), words))

    @api.model
    @api.readonly
    def figures(self, codes, periods=("month",), cells=({},)):
        """The same as ``figures`` of ``crm.kpi``."""
        return self.env["crm.kpi"].figures(codes, periods, cells)

    @api.model
    @api.readonly
    def why(self, code, period="month", team_id=False, user_id=False, segment_id=False):
        """See :func:`~odoo.addons.crm_kpi.board.tools.why`."""
        cell = {"team_id": team_id, "user_id": user_id, "segment_id": segment_id}
        return tools.as_answer(tools.why(self._board(), code, period, cell))

    @api.model
    @api.readonly
    def goals(self, period="month"):
        """See :func:`~odoo.addons.crm_kpi.board.tools.goals`."""
        board = self._board()
        return tools.as_answer(tools.goals(board, find_period(board, period)))

    @api.model
    @api.readonly
    def ranking(self, code, period="month", by="value"):
        """See :func:`~odoo.addons.crm_kpi.board.tools.ranking`."""
        return tools.as_answer(tools.ranking(self._board(), code, period, by))

    @api.model
    @api.readonly
    def add_up(self, code, periods=("month",), cells=({},)):
        """See :func:`~odoo.addons.crm_kpi.board.tools.add_up`."""
        return tools.as_answer(tools.add_up(self._board(), code, periods, cells))

    def _board(self):
        return self.env["crm.kpi.board"]._default_board()
