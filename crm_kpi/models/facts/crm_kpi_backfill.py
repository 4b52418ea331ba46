# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from functools import partial

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...refresh.backfill import BackfillQueue, FillStep, forget


class CrmKpiBackfill(models.Model):
    """Queue of the facts to fill in for records that are older than this module.

    Tracking values say when a stage or state was entered; where there are none (imports,
    changes within one transaction), the dates on the record are used. The rules are those of
    the stamps: a record that lived with the module installed and the same record filled in
    afterwards have the same facts, except for the owner at the event, which is the present one.

    :mod:`~odoo.addons.crm_kpi.refresh.backfill` works the queue.
    """

    _name = "crm.kpi.backfill"
    _description = "KPI: facts of the time before the installation"
    _log_access = False
    _order = "id"

    name = fields.Char(required=True, help="Key of a step, or a model whose facts are derived.")
    position = fields.Integer(
        help="All records up to this id are done. Of a model: 1 once its records are marked."
    )
    last_id = fields.Integer(help="Records after this id were created with their stamps.")
    done = fields.Integer()
    total = fields.Integer()
    error = fields.Char(help="Why the last try failed; each scheduled refresh tries again.")

    @api.model
    def _steps(self, renew=False):
        """The stamps: dict of key to ``FillStep``, in the order in which they are filled in.

        :param renew: also of records that have stamps: records that are changed while a long
            history waits are stamped without their past
        """
        return {
            "leads": FillStep(
                self.env._("leads"), "crm_lead", partial(self._fill_leads, renew=renew)
            ),
            "orders": FillStep(
                self.env._("orders"), "sale_order", partial(self._fill_orders, renew=renew)
            ),
            "customers": FillStep(self.env._("customers"), "res_partner", self._fill_customers),
            "invoice_lines": FillStep(
                self.env._("invoice lines"),
                "account_move_line",
                self.env["account.move.line"]._kpi_fill_units,
            ),
        }

    @api.model
    def _run(self):
        """Fill in missing stamps now; existing stamps are kept."""
        BackfillQueue(self).fill_all()

    @api.model
    def _begin(self, names):
        """Fill in facts: a short history now, a long one by the scheduled action.

        :param names: keys of :meth:`_steps`, and models with derived facts
        """
        BackfillQueue(self).begin(names)

    @api.model
    def _continue(self, between=None):
        """Do what is left; see ``BackfillQueue.work()``."""
        return BackfillQueue(self).work(between)

    @api.model
    def _is_pending(self):
        """Whether refreshes wait for the history."""
        return BackfillQueue(self).is_pending()

    @api.model
    def _progress_text(self):
        """How much of the history has been read; empty when all of it has."""
        return BackfillQueue(self).progress_text()

    @api.model
    def _forget(self, records):
        """Empty the stamps and derived fields of records whose dates were set by SQL."""
        forget(records)

    # ------------------------------------------------------------------
    # leads
    # ------------------------------------------------------------------
    @api.model
    def _fill_leads(self, first, last, renew=False):
        rows = self.env.execute_query(
            SQL(
                """
                WITH entered AS (
                    -- last change of stage that made it won; changes between won stages do not
                    SELECT m.res_id, date_trunc('second', max(v.create_date)) AS won_at
                      FROM mail_message m
                      JOIN mail_tracking_value v ON v.mail_message_id = m.id
                       AND v.field_id = %(stage_field)s
                      JOIN crm_stage new ON new.id = v.new_value_integer AND new.is_won
                 LEFT JOIN crm_stage old ON old.id = v.old_value_integer
                     WHERE m.model = 'crm.lead' AND m.res_id BETWEEN %(first)s AND %(last)s
                       AND old.is_won IS NOT TRUE
                  GROUP BY m.res_id
                ),
                conversion AS (
                    -- a copy takes the date of its original with it: not its own conversion
                    SELECT id, CASE WHEN date_conversion >= date_trunc('second', create_date)
                                    THEN date_conversion END AS date
                      FROM crm_lead
                     WHERE id BETWEEN %(first)s AND %(last)s
                ),
                dated AS (
                    SELECT l.id,
                           l.type = 'lead' OR c.date IS NOT NULL AS was_lead,
                           CASE WHEN l.type = 'opportunity'
                                THEN COALESCE(c.date, l.create_date) END AS opportunity_date,
                           CASE WHEN l.won_status = 'won'
                                THEN COALESCE(l.kpi_won_date, e.won_at, l.date_closed,
                                              l.date_last_stage_update, l.create_date)
                                END AS won_date,
                           CASE WHEN l.won_status = 'lost'
                                THEN COALESCE(l.kpi_lost_date, l.date_closed, l.write_date)
                                END AS lost_date
                      FROM crm_lead l
                      JOIN conversion c ON c.id = l.id
                 LEFT JOIN entered e ON e.res_id = l.id
                     WHERE l.kpi_was_lead IS NULL OR %(renew)s
                )
                UPDATE crm_lead l
                   SET kpi_was_lead = d.was_lead,
                       kpi_opportunity_date = d.opportunity_date,
                       kpi_won_date = d.won_date,
                       -- what was stamped at the event is better than today's owner
                       kpi_won_user_id = CASE WHEN d.won_date IS NULL THEN NULL
                                              WHEN l.kpi_won_date IS NOT NULL
                                              THEN l.kpi_won_user_id
                                              ELSE NULLIF(l.user_id, %(root)s) END,
                       kpi_won_team_id = CASE WHEN d.won_date IS NULL THEN NULL
                                              WHEN l.kpi_won_date IS NOT NULL
                                              THEN l.kpi_won_team_id ELSE l.team_id END,
                       kpi_lost_date = d.lost_date,
                       kpi_lost_user_id = CASE WHEN d.lost_date IS NULL THEN NULL
                                               WHEN l.kpi_lost_date IS NOT NULL
                                               THEN l.kpi_lost_user_id
                                               ELSE NULLIF(l.user_id, %(root)s) END,
                       kpi_lost_team_id = CASE WHEN d.lost_date IS NULL THEN NULL
                                               WHEN l.kpi_lost_date IS NOT NULL
                                               THEN l.kpi_lost_team_id ELSE l.team_id END,
                       kpi_merged_count = COALESCE(l.kpi_merged_count, 0),
                       kpi_days_to_opportunity = CASE WHEN d.was_lead
                           THEN %(days_to_opportunity)s END,
                       kpi_days_to_win = %(days_to_win)s,
                       kpi_sales_cycle_days = %(sales_cycle)s
                  FROM dated d
                 WHERE d.id = l.id
             RETURNING l.id, l.kpi_won_date IS NOT NULL
                """,
                stage_field=self.env["ir.model.fields"]._get("crm.lead", "stage_id").id,
                root=SUPERUSER_ID,
                renew=renew,
                first=first,
                last=last,
                days_to_opportunity=self._elapsed_days("l.create_date", "d.opportunity_date"),
                days_to_win=self._elapsed_days("l.create_date", "d.won_date"),
                sales_cycle=self._elapsed_days("d.opportunity_date", "d.won_date"),
            )
        )
        won = [lead_id for lead_id, is_won in rows if is_won]
        self._fill_deal_amounts(won)
        return len(rows)

    @api.model
    def _elapsed_days(self, start, stop):
        """As elapsed_days() of crm_lead: no value against the order of time."""
        return SQL(
            """
            CASE WHEN %(stop)s - %(start)s >= interval '-1 second'
                 THEN GREATEST(EXTRACT(EPOCH FROM %(stop)s - %(start)s), 0)::float8 / 86400 END
            """,
            start=SQL(start),
            stop=SQL(stop),
        )

    @api.model
    def _fill_deal_amounts(self, lead_ids):
        """Amounts of won deals. Orders in another currency than the lead's need a rate of their
        day: these few are left to the ORM."""
        if not lead_ids:
            return
        rows = self.env.execute_query(
            SQL(
                """
                WITH ordered AS (
                    SELECT o.opportunity_id AS id,
                           round(sum(o.amount_untaxed / COALESCE(NULLIF(o.currency_rate, 0), 1)
                                     / cu.rounding)) * min(cu.rounding) AS amount,
                           bool_or(COALESCE(lc.currency_id, oc.currency_id)
                                   <> oc.currency_id) OR count(DISTINCT oc.currency_id) > 1
                               AS foreign_currency
                      FROM sale_order o
                      JOIN crm_lead l ON l.id = o.opportunity_id
                      JOIN res_company oc ON oc.id = o.company_id
                      JOIN res_currency cu ON cu.id = oc.currency_id
                 LEFT JOIN res_company lc ON lc.id = l.company_id
                     WHERE o.opportunity_id = ANY(%(ids)s) AND o.state = 'sale'
                  GROUP BY o.opportunity_id
                )
                UPDATE crm_lead l
                   SET kpi_deal_amount = COALESCE(o.amount, l.expected_revenue, 0)
                  FROM crm_lead self
             LEFT JOIN ordered o ON o.id = self.id
                 WHERE self.id = l.id AND l.id = ANY(%(ids)s)
             RETURNING l.id, COALESCE(o.foreign_currency, FALSE)
                """,
                ids=lead_ids,
            )
        )
        foreign = [lead_id for lead_id, is_foreign in rows if is_foreign]
        if foreign:
            # superuser: installation computes for everybody
            leads = self.env["crm.lead"].sudo().browse(foreign)
            leads.invalidate_recordset()
            leads._compute_kpi_deal_amount()
            leads.flush_recordset(["kpi_deal_amount"])

    # ------------------------------------------------------------------
    # orders
    # ------------------------------------------------------------------
    @api.model
    def _fill_orders(self, first, last, renew=False):
        rows = self.env.execute_query(
            SQL(
                """
                WITH label AS (
                    -- tracking keeps the label, in the language of whoever made the change
                    SELECT DISTINCT s.value AS state, t.value AS label
                      FROM ir_model_fields_selection s, jsonb_each_text(s.name) t
                     WHERE s.field_id = %(state_field)s AND s.value IN ('sent', 'sale')
                ),
                tracked AS (
                    SELECT m.res_id,
                           date_trunc('second', min(v.create_date)) AS sent_at,
                           date_trunc('second', min(v.create_date)
                                      FILTER (WHERE label.state = 'sale')) AS confirmed_at
                      FROM mail_message m
                      JOIN mail_tracking_value v ON v.mail_message_id = m.id
                       AND v.field_id = %(state_field)s
                      JOIN label ON label.label = v.new_value_char
                     WHERE m.model = 'sale.order' AND m.res_id BETWEEN %(first)s AND %(last)s
                  GROUP BY m.res_id
                ),
                written AS (
                    -- first message to the customer
                    SELECT m.res_id, min(m.date) AS sent_at
                      FROM mail_message m
                      JOIN res_users u ON u.partner_id = m.author_id
                       AND u.share IS NOT TRUE AND u.id <> %(root)s
                 LEFT JOIN mail_message_subtype st ON st.id = m.subtype_id
                     WHERE m.model = 'sale.order' AND m.res_id BETWEEN %(first)s AND %(last)s
                       AND (m.message_type IN ('comment', 'email') AND m.subtype_id IS NOT NULL
                            AND st.internal IS NOT TRUE AND m.is_internal IS NOT TRUE
                            OR m.message_type IN ('email_outgoing', 'sms', 'snailmail'))
                  GROUP BY m.res_id
                ),
                dated AS (
                    SELECT o.id, o.create_date, o.state, w.sent_at AS written_at,
                           t.sent_at AS tracked_at,
                           COALESCE(t.confirmed_at, CASE WHEN o.state = 'sale'
                                                         THEN o.date_order END) AS confirmed_at
                      FROM sale_order o
                 LEFT JOIN tracked t ON t.res_id = o.id
                 LEFT JOIN written w ON w.res_id = o.id
                     WHERE o.id BETWEEN %(first)s AND %(last)s
                       AND (o.kpi_is_qualifying IS NULL OR %(renew)s)
                )
                UPDATE sale_order o
                   SET kpi_sent_date = LEAST(o.kpi_sent_date, CASE
                           WHEN d.state IN ('sent', 'sale') OR d.tracked_at IS NOT NULL
                           THEN LEAST(COALESCE(d.written_at, d.tracked_at, d.confirmed_at,
                                               date_trunc('second', d.create_date)),
                                      d.confirmed_at) END),
                       kpi_first_confirm_date = LEAST(o.kpi_first_confirm_date, d.confirmed_at),
                       -- what was stamped at the event is better than today's owner
                       kpi_confirm_user_id = CASE
                           WHEN o.kpi_first_confirm_date - d.confirmed_at <= interval '1 minute'
                           THEN o.kpi_confirm_user_id
                           WHEN d.confirmed_at IS NOT NULL
                           THEN NULLIF(o.user_id, %(root)s) END,
                       kpi_confirm_team_id = CASE
                           WHEN o.kpi_first_confirm_date - d.confirmed_at <= interval '1 minute'
                           THEN o.kpi_confirm_team_id
                           WHEN d.confirmed_at IS NOT NULL THEN o.team_id END,
                       kpi_amount = round(COALESCE(o.amount_untaxed, 0)
                                          / COALESCE(NULLIF(o.currency_rate, 0), 1)
                                          / cu.rounding) * cu.rounding,
                       kpi_is_qualifying = o.state = 'sale' AND COALESCE(o.amount_untaxed, 0) > 0
                  FROM dated d, res_company co, res_currency cu
                 WHERE d.id = o.id AND co.id = o.company_id AND cu.id = co.currency_id
             RETURNING o.id
                """,
                state_field=self.env["ir.model.fields"]._get("sale.order", "state").id,
                root=SUPERUSER_ID,
                renew=renew,
                first=first,
                last=last,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE sale_order_line l
                   SET kpi_categ_id = t.categ_id
                  FROM sale_order o, product_product p, product_template t
                 WHERE o.id = l.order_id AND p.id = l.product_id AND t.id = p.product_tmpl_id
                   AND o.id = ANY(%s) AND o.kpi_first_confirm_date IS NOT NULL
                   AND l.kpi_categ_id IS NULL AND t.categ_id IS NOT NULL
                """,
                [order_id for (order_id,) in rows],
            )
        )
        return len(rows)

    @api.model
    def _fill_customers(self, first, last):
        """History of the orders of the customers with these ids."""
        return len(
            self.env["sale.order"]._kpi_derive_customers(
                SQL(
                    """
                    SELECT DISTINCT o.company_id, p.commercial_partner_id
                      FROM res_partner p
                      JOIN sale_order o ON o.partner_id = p.id
                     WHERE p.commercial_partner_id BETWEEN %s AND %s
                    """,
                    first,
                    last,
                )
            )
        )
