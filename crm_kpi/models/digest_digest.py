# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError

from ..board.change import POINT_UNITS
from ..board.figures import find_period, read_figures

#: Periods of the columns: the first three that are computed.
COLUMNS = ("last_day", "last_week", "last_month", "month", "last_quarter")
#: Columns of a digest.
COLUMN_COUNT = 3


class DigestDigest(models.Model):
    _inherit = "digest.digest"

    crm_kpi_ids = fields.Many2many(
        "crm.kpi",
        string="KPIs",
        domain=[("state", "=", "published"), ("is_component", "=", False)],
        help="Each recipient gets the values of the company if they may read them, else their own.",
    )

    def _compute_kpis(self, company, user):
        """Add the chosen KPIs, under the rights of the recipient."""
        return super()._compute_kpis(company, user) + self._figures(company, user)

    def _figures(self, company, user):
        """The chosen KPIs as :meth:`_compute_kpis` returns them, without those that have no value."""
        # superuser: which KPIs the digest has; values are read by the recipient
        chosen = self.sudo().crm_kpi_ids
        boards = self.env["crm.kpi.board"].with_user(user).with_company(company)
        if not chosen or not boards.has_access("read"):
            return []
        board = boards._default_board()
        kpis = board._readable_kpis(chosen.ids).filtered(
            lambda kpi: kpi.company_id.id in (False, company.id)
        )
        periods = _known_periods(board)
        cell = {} if user.has_group("crm_kpi.group_kpi_user_all") else {"user_id": user.id}
        if not kpis or not periods:
            return []
        found = read_figures(board, kpis, periods, [cell])
        rows = []
        for index, kpi in enumerate(kpis):
            of_kpi = found[index * len(periods) : (index + 1) * len(periods)]
            if all(figure.value is None for figure in of_kpi):
                continue
            rows.append(
                {
                    "kpi_name": f"crm_kpi_{kpi.code}",
                    "kpi_fullname": kpi.name,
                    "kpi_action": "crm_kpi.crm_kpi_board_action",
                    **{
                        f"kpi_col{column}": self._column(kpi, figure)
                        for column, figure in enumerate(of_kpi, start=1)
                    },
                }
            )
        return rows

    def _column(self, kpi, figure):
        """A column of a digest. The template shows any increase as good, and only percentages."""
        margin = 0.0
        if figure.change and kpi.direction == "increase" and kpi.unit not in POINT_UNITS:
            margin = self._get_margin_value(figure.value, figure.change.value)
        return {"value": figure.text, "margin": margin, "col_subtitle": figure.period.label}


def _known_periods(board):
    """The periods of the columns that are computed in the company."""
    known = []
    for name in COLUMNS:
        try:
            find_period(board, name)
        except UserError:
            continue  # days and weeks can be switched off
        known.append(name)
    return known[:COLUMN_COUNT]
