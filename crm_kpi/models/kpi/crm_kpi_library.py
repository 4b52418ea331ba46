# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .crm_kpi import METRIC_CLASSES


class CrmKpiLibrary(models.Model):
    """All there is to measure: the KPIs, and those that wait for their app.

    One row per KPI, components left out. Switching on is publishing: the next refresh
    computes it. Switching off hides it and keeps its values.
    """

    _name = "crm.kpi.library"
    _description = "KPI Library"
    _auto = False
    _order = "category_id, sequence, id"
    _rec_name = "name"
    _depends = {
        "crm.kpi": [
            "code", "state", "active", "is_component", "category_id", "metric_class", "sequence",
        ],
        "crm.kpi.offer": ["code", "module", "category_id", "metric_class", "sequence"],
    }  # fmt: skip

    kpi_id = fields.Many2one("crm.kpi", "KPI", readonly=True)
    offer_id = fields.Many2one("crm.kpi.offer", readonly=True)
    category_id = fields.Many2one("crm.kpi.category", readonly=True)
    metric_class = fields.Selection(METRIC_CLASSES, "Class", readonly=True)
    sequence = fields.Integer(readonly=True)
    status = fields.Selection(
        [("on", "On"), ("off", "Off"), ("missing", "Not available")], readonly=True
    )
    name = fields.Char(compute="_compute_texts", search="_search_name")
    code = fields.Char(compute="_compute_texts", search="_search_code")
    description = fields.Text("What it tells", compute="_compute_texts")
    computation_text = fields.Char("Computed as", compute="_compute_texts")
    source_text = fields.Char("Source", compute="_compute_texts")
    counter_text = fields.Char("Counter-metric", compute="_compute_texts")
    reference = fields.Char("Literature", compute="_compute_texts")
    app_text = fields.Char("App", compute="_compute_app")
    is_on = fields.Boolean(
        "Switched on",
        compute="_compute_is_on",
        inverse="_inverse_is_on",
        help="On: computed by the next refresh and shown. Off: hidden, its values are kept.",
    )
    can_switch = fields.Boolean(compute="_compute_is_on")
    can_install = fields.Boolean(compute="_compute_app")

    @property
    def _table_query(self):
        return SQL(
            """SELECT k.id * 2 AS id, k.id AS kpi_id, o.id AS offer_id, k.category_id,
                      k.metric_class, k.sequence,
                      CASE WHEN k.state = 'published' THEN 'on' ELSE 'off' END AS status
                 FROM crm_kpi k LEFT JOIN crm_kpi_offer o ON o.code = k.code
                WHERE k.active AND k.is_component IS NOT TRUE
                UNION ALL
               SELECT o.id * 2 + 1, NULL, o.id, o.category_id, o.metric_class, o.sequence,
                      'missing'
                 FROM crm_kpi_offer o
                WHERE NOT EXISTS (SELECT 1 FROM crm_kpi k WHERE k.code = o.code)
                  AND NOT EXISTS (SELECT 1 FROM ir_module_module m
                                   WHERE m.name = o.module AND m.state = 'installed')"""
        )

    # --- COMPUTES ---

    @api.depends("kpi_id", "offer_id")
    @api.depends_context("lang")
    def _compute_texts(self):
        for line in self:
            kpi = line.kpi_id
            about = kpi or line.offer_id
            line.name = about.name
            line.code = about.code
            line.description = about.description
            line.computation_text = kpi.computation_text
            line.source_text = kpi.source_id.name if kpi.kind == "aggregate" else False
            # superuser: the name of a counter-metric that is for some groups only
            line.counter_text = kpi.sudo().counter_kpi_id.name
            line.reference = kpi.reference

    def _search_name(self, operator, value):
        return self._search_text("name", operator, value)

    def _search_code(self, operator, value):
        return self._search_text("code", operator, value)

    def _search_text(self, name, operator, value):
        if operator == "!=" or operator.startswith("not "):
            return NotImplemented
        return Domain("kpi_id", "any", [(name, operator, value)]) | Domain(
            [("kpi_id", "=", False), ("offer_id", "any", [(name, operator, value)])]
        )

    @api.depends("offer_id", "kpi_id", "status")
    @api.depends_context("lang", "uid")
    def _compute_app(self):
        names = self.offer_id._app_names()
        # superuser: which addon a KPI came with is no secret
        shipped = (
            self.env["ir.model.data"]
            .sudo()
            .search(
                [
                    ("module", "=", "crm_kpi"),
                    ("model", "=", "crm.kpi"),
                    ("res_id", "in", self.kpi_id.ids),
                ]
            )
        )
        own = set(shipped.mapped("res_id"))
        may_install = self.env.user.has_group("base.group_system")
        waiting = self.filtered(lambda line: line.status == "missing").offer_id
        there = set(
            waiting._modules(waiting.mapped("module"))
            .filtered(lambda module: module.state == "uninstalled")
            .mapped("name")
        )
        for line in self:
            if line.offer_id:
                line.app_text = names[line.offer_id]
            elif line.kpi_id.id in own:
                line.app_text = self.env._("CRM, Sales")
            else:
                line.app_text = self.env._("Defined here")
            line.can_install = (
                may_install and line.status == "missing" and line.offer_id.module in there
            )

    @api.depends("status", "kpi_id")
    @api.depends_context("uid")
    def _compute_is_on(self):
        may = self.kpi_id._filtered_access("write")
        for line in self:
            line.is_on = line.status == "on"
            line.can_switch = line.kpi_id in may if line.kpi_id else False

    def _inverse_is_on(self):
        for line in self:
            if not line.kpi_id:
                raise UserError(
                    self.env._(
                        "%(kpi)s: not available, needs %(app)s. Install it first.",
                        kpi=line.name,
                        app=line.app_text,
                    )
                )
        on = self.filtered("is_on")
        on.kpi_id.action_publish()
        (self - on).kpi_id.action_draft()
        self.invalidate_model(["status"])

    # --- ACTIONS ---

    def action_definition(self):
        self.ensure_one()
        return self.kpi_id.action_definition() if self.kpi_id else False

    def action_install(self):
        """Install the addon that brings the KPI, and with it the app it needs."""
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only system administrators can install apps."))
        module = self.env["ir.module.module"].search([("name", "=", self.offer_id.module)])
        if not module:
            raise UserError(
                self.env._(
                    "%s is not among the apps. Put it on the addons path and update the list of "
                    "apps.",
                    self.offer_id.module,
                )
            )
        return module.button_immediate_install()
