# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import SQL

from ...conversations import interactions
from ...conversations.customers import Customer
from ...refresh.planner import planned_for
from ..derived.crm_kpi_fact_mixin import ROWS_PER_RECORD


class CrmKpiInteractionMixin(models.AbstractModel):
    """A model whose messages with customers become ``crm.kpi.interaction`` rows.

    The class attributes below name the fields that are read.
    """

    _name = "crm.kpi.interaction.mixin"
    _inherit = ["crm.kpi.fact.mixin"]
    _description = "KPI: model with interactions"

    #: read by ``mail.message``
    _kpi_has_interactions = True
    #: many2one fields; empty where the model has none
    _kpi_response_user_field = "user_id"
    _kpi_response_team_field = "team_id"
    _kpi_response_company_field = "company_id"
    _kpi_response_partner_field = "partner_id"
    #: mail address of the customer; empty where the model has none
    _kpi_response_email_field = ""
    #: lead of the record; ``id`` for leads
    _kpi_response_lead_field = ""
    #: external ids of the subtypes of messages that only say "created"
    _kpi_response_creation_subtypes = ()
    #: whether mails sent in mass from the list (``email_outgoing``) are written by the sender
    _kpi_response_mass_mail_is_out = False
    #: datetime fields: the record was open before the first of them
    _kpi_response_closed_fields = ()

    @api.model
    def _kpi_column(self, name):
        """The column ``name`` of the record ``r``."""
        return SQL("r.%s", SQL.identifier(name)) if name else SQL("NULL::int")

    @api.model
    def _kpi_company_sql(self):
        """Company of the record: its own, else that of its team, else that of its user."""
        parts = [self._kpi_column(self._kpi_response_company_field)]
        if not self._fields[self._kpi_response_company_field].required:
            for name in (self._kpi_response_team_field, self._kpi_response_user_field):
                comodel = name and self.env[self._fields[name].comodel_name]
                if name and "company_id" in comodel._fields:
                    parts.append(
                        SQL(
                            "(SELECT x.company_id FROM %s x WHERE x.id = %s)",
                            SQL.identifier(comodel._table),
                            self._kpi_column(name),
                        )
                    )
        return SQL("COALESCE(%s)", SQL(", ").join(parts))

    @api.model
    def _kpi_interaction_values(self):
        """``{column of crm.kpi.interaction: SQL over the record r}``."""
        team = self._kpi_response_team_field
        is_sales_team = team and self._fields[team].comodel_name == "crm.team"
        return {
            "company_id": self._kpi_company_sql(),
            "team_id": self._kpi_column(team if is_sales_team else ""),
            "partner_id": SQL(
                "(SELECT COALESCE(p.commercial_partner_id, p.id) FROM res_partner p"
                " WHERE p.id = %s)",
                self._kpi_column(self._kpi_response_partner_field),
            ),
            "lead_id": self._kpi_column(self._kpi_response_lead_field),
        }

    @api.model
    def _kpi_customer(self):
        """The customer of the record ``r``."""
        email = self._kpi_response_email_field
        return Customer(
            contact=self._kpi_column(self._kpi_response_partner_field),
            address=self._kpi_column(email) if email else SQL("NULL::text"),
        )

    @api.model
    def _kpi_interaction_record_sql(self):
        """Condition over the record ``r``: its messages can be interactions."""
        return SQL("TRUE")

    @api.model
    def _kpi_interaction_closed_sql(self):
        """The instant from which the record ``r`` was closed, infinity while it is open."""
        return SQL(
            "COALESCE(LEAST(%s), 'infinity'::timestamp)",
            SQL(", ").join(
                [
                    SQL("NULL::timestamp"),
                    *(self._kpi_column(name) for name in self._kpi_response_closed_fields),
                ]
            ),
        )

    @api.model
    def _kpi_interaction_records(self, ids):
        """The records ``ids`` as the queries of :mod:`crm_kpi.conversations` read them."""
        subtypes = [
            self.env["ir.model.data"]._xmlid_to_res_id(xmlid)
            for xmlid in self._kpi_response_creation_subtypes
        ]
        return interactions.Records(
            model=self._name,
            table=self._table,
            ids=list(ids),
            values=self._kpi_interaction_values(),
            customer=self._kpi_customer(),
            owner=self._kpi_column(self._kpi_response_user_field),
            condition=self._kpi_interaction_record_sql(),
            closed_from=self._kpi_interaction_closed_sql(),
            creation_subtypes=[id_ for id_ in subtypes if id_],
            mass_mail_counts=self._kpi_response_mass_mail_is_out,
        )

    @api.model
    def _kpi_trigger_fields(self):
        names = {
            self._kpi_response_user_field,
            self._kpi_response_team_field,
            self._kpi_response_company_field,
            self._kpi_response_partner_field,
            self._kpi_response_email_field,
            self._kpi_response_lead_field,
        }
        return super()._kpi_trigger_fields() | (names - {"", "id"})

    @api.model
    def _kpi_derive_records(self, ids):
        # first: the fields of the records are derived from their interactions
        self._kpi_refresh_interactions(ids)
        return super()._kpi_derive_records(ids)

    @api.model
    def _kpi_refresh_interactions(self, ids):
        """Make the interactions of the records ``ids`` equal to their messages."""
        with planned_for(self.env.cr, len(ids) * ROWS_PER_RECORD):
            self.env["crm.kpi.interaction"]._kpi_refresh_interactions(self, ids)
