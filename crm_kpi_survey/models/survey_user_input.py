# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import defaultdict

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

#: Stamps: customer, salesperson … that an answer counts for.
CREDIT = ("kpi_partner_id", "kpi_user_id", "kpi_team_id", "kpi_company_id", "kpi_reseller_id")


class SurveyUserInput(models.Model):
    """A participation: the record it was sent for, and the salesperson it counts for.

    Customer, salesperson and team are stamped when the survey is sent. A later change of the
    salesperson of the record or customer does not change them. Values that are unknown then
    are filled in with the answer.
    """

    _name = "survey.user_input"
    _inherit = ["survey.user_input", "crm.kpi.fact.mixin"]

    kpi_res_model = fields.Char("Model it was sent for", readonly=True, copy=False)
    kpi_res_id = fields.Many2oneReference(
        "Sent for",
        model_field="kpi_res_model",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The ticket, order or lead that the participant was asked about.",
    )
    kpi_invited = fields.Boolean(
        "Invited",
        readonly=True,
        copy=False,
        help="A customer who was asked to answer. Participants by the public link, employees and "
        "tests are not invited: they do not count in the response rate.",
    )
    kpi_partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The company of the participant, else of the record it was sent for.",
    )
    kpi_user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        readonly=True,
        copy=False,
        help="Salesperson of the record when the survey was sent, else of the customer.",
    )
    kpi_team_id = fields.Many2one(
        "crm.team",
        "Sales Team",
        readonly=True,
        copy=False,
        help="Team of the record when the survey was sent, else of the salesperson.",
    )
    kpi_company_id = fields.Many2one(
        "res.company",
        "Company",
        readonly=True,
        copy=False,
        help="Company of the record, else of the customer, of the salesperson, or of the "
        "survey's responsible.",
    )
    kpi_reseller_id = fields.Many2one(
        "res.partner",
        "Reseller",
        readonly=True,
        copy=False,
        help="Partner assigned to the lead, else to the customer.",
    )

    # --- stamps ---

    @api.model
    def _kpi_protected_fields(self):
        # users set them when they send a survey
        return super()._kpi_protected_fields() - {"kpi_res_model", "kpi_res_id"}

    @api.model_create_multi
    def create(self, vals_list):
        inputs = super().create(vals_list)
        for input_ in inputs.sudo():  # superuser: visitors may read neither records nor users
            vals = input_._kpi_credit()
            if not input_.kpi_invited and input_._kpi_was_invited():
                vals["kpi_invited"] = True
            input_._kpi_stamp(vals)
        inputs._kpi_mark_records()
        return inputs

    def write(self, vals):
        result = super().write(vals)
        if vals.get("state") == "done" or "partner_id" in vals:
            for input_ in self.sudo():  # superuser: as in create()
                missing = {
                    name: value
                    for name, value in input_._kpi_credit().items()
                    if value and not input_[name]
                }
                if missing:
                    input_._kpi_stamp(missing)
        if not {"state", "test_entry", "end_datetime"}.isdisjoint(vals):
            self._kpi_mark_records()
        return result

    def unlink(self):
        self._kpi_mark_records()
        return super().unlink()

    def _kpi_record(self):
        """The record it was sent for, ``None`` without one."""
        self.ensure_one()
        model = self.env.get(self.kpi_res_model) if self.kpi_res_model else None
        return None if model is None else model.browse(self.kpi_res_id).exists() or None

    def _kpi_mark_records(self):
        """Mark the records that the surveys were sent for: they keep values of answers."""
        ids_by_model = defaultdict(set)
        for input_ in self.sudo():  # superuser: only ids go to the queue
            if input_.kpi_res_model and input_.kpi_res_id:
                ids_by_model[input_.kpi_res_model].add(input_.kpi_res_id)
        for name, ids in ids_by_model.items():
            if hasattr(self.env.get(name), "_kpi_mark_dirty"):
                self.env[name]._kpi_mark_dirty(ids)

    def _kpi_was_invited(self):
        """Whether an employee asked a known participant who is not an employee."""
        self.ensure_one()
        if self.test_entry or not (self.partner_id or self.email):
            return False
        users = self.partner_id.with_context(active_test=False).user_ids
        return self.create_uid._is_internal() and all(user.share for user in users)

    def _kpi_credit(self):
        """Values of the stamps, by the record it was sent for, else by the customer."""
        self.ensure_one()
        vals = dict.fromkeys(CREDIT, False)
        if record := self._kpi_record():
            vals.update(self._kpi_record_credit(record))
        customer = self.partner_id.commercial_partner_id
        vals["kpi_partner_id"] = customer.id or vals["kpi_partner_id"]
        customer = self.env["res.partner"].browse(vals["kpi_partner_id"])
        user = self.env["res.users"].browse(vals["kpi_user_id"]) or customer.user_id
        # records of OdooBot are not credited to anyone
        user = user.filtered(lambda u: u.id != SUPERUSER_ID)
        vals["kpi_user_id"] = user.id
        vals["kpi_team_id"] = vals["kpi_team_id"] or user.sale_team_id.id
        vals["kpi_company_id"] = (
            vals["kpi_company_id"]
            or customer.company_id.id
            or user.company_id.id
            or self.survey_id.user_id.company_id.id
        )
        if not vals["kpi_reseller_id"] and "assigned_partner_id" in customer._fields:
            vals["kpi_reseller_id"] = customer.assigned_partner_id.id
        return vals

    @api.model
    def _kpi_record_credit(self, record):
        """Stamps by the fields of the record; extended for models with other fields."""

        def linked(owner, name, comodel):
            field = owner._fields.get(name)
            fits = field is not None and field.type == "many2one"
            return owner[name] if fits and field.comodel_name == comodel else self.env[comodel]

        lead = (
            linked(record, "opportunity_id", "crm.lead") if record._name != "crm.lead" else record
        )
        return {
            "kpi_partner_id": linked(record, "partner_id", "res.partner").commercial_partner_id.id,
            "kpi_user_id": linked(record, "user_id", "res.users").id,
            "kpi_team_id": linked(record, "team_id", "crm.team").id,
            "kpi_company_id": linked(record, "company_id", "res.company").id,
            # website_crm_partner_assign, crm_partner_assign
            "kpi_reseller_id": linked(lead, "partner_assigned_id", "res.partner").id,
        }

    # --- back-fill ---

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Stamps of participations from before the installation, for a range of ids.

        Their record is unknown, and the salesperson is the present one of the customer.
        Participations with stamps are not changed.

        :return: number of participations that changed
        """
        # superuser: the stamps are the same for all users, and read under record rules
        teams = self.env["res.users"].sudo().with_context(active_test=False).search([])
        team_of = [(user.id, user.sale_team_id.id) for user in teams if user.sale_team_id]
        rows = self.env.execute_query(
            SQL(
                """
                WITH staff AS (
                    SELECT id, partner_id, company_id FROM res_users WHERE share IS NOT TRUE
                ),
                credit AS (
                    SELECT i.id, c.id AS partner_id, NULLIF(c.user_id, %(system)s) AS user_id,
                           COALESCE(c.company_id, u.company_id, r.company_id) AS company_id,
                           i.test_entry IS NOT TRUE
                               AND (i.partner_id IS NOT NULL OR COALESCE(i.email, '') <> '')
                               AND i.create_uid IN (SELECT id FROM staff)
                               AND NOT EXISTS (SELECT FROM staff s WHERE s.partner_id = i.partner_id)
                               AS invited
                      FROM survey_user_input i
                      JOIN survey_survey s ON s.id = i.survey_id
                 LEFT JOIN res_partner p ON p.id = i.partner_id
                 LEFT JOIN res_partner c ON c.id = p.commercial_partner_id
                 LEFT JOIN res_users u ON u.id = NULLIF(c.user_id, %(system)s)
                 LEFT JOIN res_users r ON r.id = s.user_id
                     WHERE i.kpi_company_id IS NULL AND i.kpi_partner_id IS NULL
                       AND i.id BETWEEN %(first)s AND %(last)s
                )
                UPDATE survey_user_input i
                   SET kpi_partner_id = c.partner_id, kpi_user_id = c.user_id,
                       kpi_team_id = t.team_id, kpi_company_id = c.company_id,
                       kpi_invited = c.invited
                  FROM credit c
             LEFT JOIN unnest(%(users)s::int4[], %(teams)s::int4[]) AS t (user_id, team_id)
                    ON t.user_id = c.user_id
                 WHERE c.id = i.id
             RETURNING i.id
                """,
                first=first,
                last=last,
                system=SUPERUSER_ID,
                users=[user for user, _team in team_of],
                teams=[team for _user, team in team_of],
            )
        )
        return len(rows)
