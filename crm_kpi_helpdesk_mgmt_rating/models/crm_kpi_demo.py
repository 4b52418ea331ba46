# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time
from datetime import timedelta
from random import Random

from odoo import api, fields, models

from odoo.addons.crm_kpi.models.demo.crm_kpi_demo import SILENT

_logger = logging.getLogger(__name__)

KPIS = ("csat_score", "csat_mean", "rating_response_rate")
#: As GOALS of crm_kpi.
RATING_GOALS = (
    ("company", "month", 2, "csat_score", "at_least", (0.8,)),
    ("user", "month", 1, "csat_score", "at_least", (0.75,)),
)


class CrmKpiDemo(models.AbstractModel):
    _inherit = "crm.kpi.demo"

    @api.model
    def _load_ratings(self):
        """Load once; called by the demo data file, after the tickets are there."""
        if self._known("rating_0") or not self._known("ticket_0"):
            return
        start = time.monotonic()
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        ratings = self._make_ratings()
        self._refresh_story(self.env["crm.kpi"]._by_code(KPIS))
        goals = self._make_goals(
            RATING_GOALS,
            {
                "company": [{}],
                "user": [{"user_id": user.id} for user in ratings.kpi_user_id.sorted("login")],
            },
        )
        _logger.info(
            "KPI demo data: %s requests for ratings, %s goals in %.0f s",
            len(ratings), len(goals), time.monotonic() - start,
        )  # fmt: skip

    @api.model
    def _make_ratings(self):
        """Customers are asked when their ticket is solved; the longer it took, the worse."""
        random = Random(45)  # noqa: S311  (a story, no secret)
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        names = self.env["ir.model.data"].search(
            [("module", "=", "__crm_kpi_demo__"), ("name", "=like", "ticket\\_%")]
        )
        tickets = self.env["helpdesk.ticket"].browse(sorted(names.mapped("res_id")))
        tickets = tickets.filtered("kpi_first_resolved_date")
        model_id = self.env["ir.model"]._get_id("helpdesk.ticket")
        values, asked_on, rated_on = [], [], []
        for ticket in tickets:
            if random.random() > 0.75:
                continue
            asked = ticket.kpi_first_resolved_date
            rated = asked + timedelta(days=min(13, random.lognormvariate(-0.5, 1)))
            vals = {
                "res_model_id": model_id,
                "res_id": ticket.id,
                "partner_id": ticket.partner_id.id,
                "rated_partner_id": ticket.user_id.partner_id.id,
            }
            if random.random() < 0.48 and rated < now:
                churn_threshold = random.lognormvariate(5.1, 0.9)
                happy = (ticket.kpi_resolution_hours or 24) < churn_threshold
                mood = random.random()
                vals["rating"] = (5 if mood < 0.93 else 3) if happy else (3 if mood < 0.5 else 1)
                vals["consumed"] = True
            else:
                rated = None
            values.append(vals)
            asked_on.append(asked)
            rated_on.append(rated)
        ratings = self.env["rating.rating"].create(values)
        self._set_columns(
            ratings,
            {"create_date": ("timestamp", asked_on), "rated_on": ("timestamp", rated_on)},
        )
        self._name_records("rating", ratings[:1])
        return ratings
