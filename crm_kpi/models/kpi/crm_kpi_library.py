# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...definitions.choices import METRIC_CLASSES


class CrmKpiLibrary(models.Model):
    """All KPIs that can be used: those defined here, and those whose app is missing.

    One row per KPI, without components. Switching a KPI on publishes it, so that the next
    refresh computes it. Switching it off hides it and keeps its values.
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
        "crm.kpi.optional": ["code", "module", "category_id", "metric_class", "sequence"],
    }  # fmt: skip

    kpi_id = fields.Many2one("crm.kpi", "KPI", readonly=True)
    optional_id = fields.Many2one("crm.kpi.optional", readonly=True)
    category_id = fields.Many2one("crm.kpi.category", readonly=True)
    metric_class = fields.Selection(METRIC_CLASSES, "Class", readonly=True)
    sequence = fields.Integer(readonly=True)
    status = fields.Selection(
        [("on", "On"), ("off", "Off"), ("missing", "Not available")], readonly=True
    )
    name = fields.Char(compute="_compute_texts", search="_search_name")
    code = fields.Char(compute="_compute_texts", search="_search_code")
    description = fields.Text("Explanation", compute="_compute_texts")
    computation_text = fields.Char("Computed as", compute="_compute_texts")
    source_text = fields.Char("Source", compute="_compute_texts")
    counter_text = fields.Char("Counter-metric", compute="_compute_texts")
    reference = fields.Char("Literature", compute="_compute_texts")
    app_text = fields.Char("App", compute="_compute_app")
    is_on = fields.Boolean(
        "Switched on",
        compute="_compute_is_on",
        inverse="_inverse_is_on",
        help="On: the next refresh computes the KPI, and it is shown. Off: it is hidden and "
        "keeps its values.",
    )
    can_switch = fields.Boolean(compute="_compute_is_on")
    can_install = fields.Boolean(compute="_compute_app")

    @property
    def _table_query(self):
        return SQL(
            """SELECT kpi.id * 2 AS id, kpi.id AS kpi_id, optional.id AS optional_id,
                      kpi.category_id, kpi.metric_class, kpi.sequence,
                      CASE WHEN kpi.state = 'published' THEN 'on' ELSE 'off' END AS status
                 FROM crm_kpi kpi
            LEFT JOIN crm_kpi_optional optional ON optional.code = kpi.code
                WHERE kpi.active AND kpi.is_component IS NOT TRUE
                UNION ALL
               SELECT optional.id * 2 + 1, NULL, optional.id, optional.category_id,
                      optional.metric_class, optional.sequence, 'missing'
                 FROM crm_kpi_optional optional
                WHERE NOT EXISTS (SELECT 1 FROM crm_kpi kpi WHERE kpi.code = optional.code)
                  AND NOT EXISTS (SELECT 1 FROM ir_module_module module
                                   WHERE module.name = optional.module
                                     AND module.state = 'installed')"""
        )

    # --- COMPUTES ---

    @api.depends("kpi_id", "optional_id")
    @api.depends_context("lang")
    def _compute_texts(self):
        for line in self:
            kpi = line.kpi_id
            about = kpi or line.optional_id
            line.name = about.name
            line.code = about.code
            line.description = about.description
            line.computation_text = kpi.computation_text
            line.source_text = kpi.source_id.name if kpi.kind == "aggregate" else False
            # superuser: only the name of a counter-metric that other groups read
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
            [("kpi_id", "=", False), ("optional_id", "any", [(name, operator, value)])]
        )

    @api.depends("optional_id", "kpi_id", "status")
    @api.depends_context("lang", "uid")
    def _compute_app(self):
        names = self.optional_id._app_names()
        # superuser: only which addon a KPI comes from
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
        missing = self.filtered(lambda line: line.status == "missing").optional_id
        installable = set(
            missing._modules(missing.mapped("module"))
            .filtered(lambda module: module.state == "uninstalled")
            .mapped("name")
        )
        for line in self:
            if line.optional_id:
                line.app_text = names[line.optional_id]
            elif line.kpi_id.id in own:
                line.app_text = self.env._("CRM, Sales")
            else:
                line.app_text = self.env._("Defined here")
            line.can_install = (
                may_install and line.status == "missing" and line.optional_id.module in installable
            )

    @api.depends("status", "kpi_id")
    @api.depends_context("uid")
    def _compute_is_on(self):
        writable = self.kpi_id._filtered_access("write")
        for line in self:
            line.is_on = line.status == "on"
            line.can_switch = line.kpi_id in writable if line.kpi_id else False

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
        """Install the addon that defines the KPI, and the app that it needs."""
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only system administrators can install apps."))
        module = self.env["ir.module.module"].search([("name", "=", self.optional_id.module)])
        if not module:
            raise UserError(
                self.env._(
                    "%s is not in the list of apps. Add it to the addons path and update the "
                    "list of apps.",
                    self.optional_id.module,
                )
            )
        return module.button_immediate_install()
