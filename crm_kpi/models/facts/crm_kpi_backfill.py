# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from collections import namedtuple
from functools import partial

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import formatLang

_logger = logging.getLogger(__name__)

# records (or customers) per statement
BATCH = 50_000
# a history of so many records is read while the module is installed, a longer one afterwards
AT_ONCE = 200_000

#: Facts of the records with ids in a range: what they are called, their table, and the method
#: that fills in those from one id to another.
Step = namedtuple("Step", "what table method")


class CrmKpiBackfill(models.Model):
    """The stamps of records that are older than this module, from what Odoo kept of them.

    Tracking values say when a stage or state was entered; where there are none (imports,
    changes within one transaction), the dates on the record itself have to do. The rules are
    those of the stamps themselves, so that a history lived through with the module installed
    and the same history filled in afterwards give the same facts; only the owner at the event
    is lost, it is the present one.

    A record is a part of the work that is not done yet: first the stamps of records by their
    ids, then what is derived from them and from conversations, model by model. Parts build on
    those before them. Each set is committed with how far it got, so that the work may be
    interrupted at any time and goes on where it was. Until all is done nothing is refreshed:
    no figure is better than one of half a history.
    """

    _name = "crm.kpi.backfill"
    _description = "KPI: facts of the time before the installation"
    _log_access = False
    _order = "id"

    name = fields.Char(required=True, help="Key of a step, or a model whose facts are derived.")
    position = fields.Integer(
        help="All records up to this id are done. Of a model: 1 once its records are marked."
    )
    last_id = fields.Integer(help="Records after this id came in with their stamps.")
    done = fields.Integer()
    total = fields.Integer()
    error = fields.Char(help="Why the last try failed; it is tried again by each refresh.")

    # ------------------------------------------------------------------
    # the work
    # ------------------------------------------------------------------
    @api.model
    def _steps(self, renew=False):
        """The stamps: dict of key to :class:`Step`, in the order in which they are filled in.

        :param renew: also of records that have stamps: while a long history waits for its turn
            they are changed by people, and stamped without what went before
        """
        return {
            "leads": Step(self.env._("leads"), "crm_lead", partial(self._fill_leads, renew=renew)),
            "orders": Step(
                self.env._("orders"), "sale_order", partial(self._fill_orders, renew=renew)
            ),
            "customers": Step(self.env._("customers"), "res_partner", self._fill_customers),
            "invoice_lines": Step(
                self.env._("invoice lines"),
                "account_move_line",
                self.env["account.move.line"]._kpi_fill_units,
            ),
        }

    @api.model
    def _run(self):
        """Fill in the stamps that are missing, now; rows that have theirs are left alone."""
        self.env.flush_all()
        for step in self._steps().values():
            lowest, highest = self._id_range(step.table)
            for first in range(lowest, highest + 1, BATCH):
                last = min(first + BATCH - 1, highest)
                self._log(step, step.method(first, last), first, last, highest)
        self.env.invalidate_all()

    @api.model
    def _begin(self, names):
        """Have facts filled in: a short history now, a long one by the scheduled action.

        :param names: keys of :meth:`_steps`, and models with derived facts
        """
        self.env.flush_all()
        steps = self._steps()
        for name in names:
            table = steps[name].table if name in steps else self.env[name]._table
            lowest, highest = self._id_range(table) if name in steps else (1, 1)
            [[total]] = self.env.execute_query(
                SQL("SELECT count(*) FROM %s", SQL.identifier(table))
            )
            self.create({"name": name, "position": lowest - 1, "last_id": highest, "total": total})
        if sum(self.search([]).mapped("total")) <= AT_ONCE:
            self._continue()
        else:
            _logger.info("KPI history: %s", self._progress_text())
            self.env.ref("crm_kpi.ir_cron_refresh")._trigger()

    @api.model
    def _id_range(self, table):
        [[lowest, highest]] = self.env.execute_query(
            SQL("SELECT min(id), max(id) FROM %s", SQL.identifier(table))
        )
        return lowest or 1, highest or 0

    @api.model
    def _continue(self, between=None):
        """Do what is left, set by set.

        :param between: called after every set; a false result interrupts the work
        :return: whether all is done
        """
        steps = self._steps(renew=True)
        for part in self.search([]):
            if part.name not in steps and part.name not in self.env:
                part.unlink()  # its addon is not there any more
                continue
            advance = part._try if between else part._advance
            while advance(steps.get(part.name)):
                self.env.invalidate_all()
                if between and not between():
                    return False
            if part.error:
                return False  # the next parts build on this one
            part.unlink()
        self.env.invalidate_all()
        return True

    def _try(self, step):
        """As :meth:`_advance`, but an error is noted on the part and nothing of the set is kept.

        Figures of what is known are better than none at all: refreshes do not wait any more.
        """
        failed = bool(self.error)
        try:
            with self.env.cr.savepoint():
                more = self._advance(step)
                self.error = False
        except psycopg2.OperationalError:
            raise  # busy elsewhere: the scheduled action tries again
        except Exception as error:
            _logger.exception("KPI history: %s failed", self.name)
            self.error = str(error) or type(error).__name__
            return False
        if failed:
            # figures were computed without it
            self.env.execute_query(
                SQL("UPDATE crm_kpi_computation SET fingerprint = NULL RETURNING 1")
            )
        return more

    def _advance(self, step):
        """Do the next set.

        :return: whether there was one
        """
        self.ensure_one()
        self.env.flush_all()
        return self._fill_next(step) if step else self._derive_next()

    def _fill_next(self, step):
        if self.position >= self.last_id:
            return False
        first, last = self.position + 1, min(self.position + BATCH, self.last_id)
        changed = step.method(first, last)
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM %s WHERE id BETWEEN %s AND %s",
                SQL.identifier(step.table),
                first,
                last,
            )
        )
        self.write({"position": last, "done": self.done + count})
        self._log(step, changed, first, last, self.last_id)
        return True

    def _derive_next(self):
        """Mark all records, then derive them from the queue, which outlives an interruption."""
        model = self.env[self.name]
        queue = self.env["crm.kpi.dirty"]
        if not self.position:
            model._kpi_mark_all_dirty()
            self.write({"position": 1, "total": queue._count(self.name)})
            return True
        if not model._kpi_derive_next():
            model._kpi_derive()  # what time has overtaken
            return False
        # what was changed meanwhile is in the queue, too
        self.done = max(self.done, self.total - queue._count(self.name))
        _logger.info("KPI history: %s", self._progress_text())
        return True

    @api.model
    def _log(self, step, changed, first, last, highest):
        _logger.info(
            "KPI facts of earlier %s: %s changed (ids %s to %s of %s)",
            step.what,
            changed,
            first,
            last,
            highest,
        )

    # ------------------------------------------------------------------
    # how far it is
    # ------------------------------------------------------------------
    @api.model
    def _is_pending(self):
        """Whether figures have to wait."""
        # superuser: whether figures are to be expected is for everybody to know
        left = self.sudo().search([])
        return bool(left) and not any(left.mapped("error"))

    @api.model
    def _progress_text(self):
        """How much of the history has been read; empty when all of it has."""
        # superuser: as above
        left = self.sudo().search([])
        if not left:
            return ""
        steps = self._steps()
        now, *later = (
            steps[part.name].what
            if part.name in steps
            else self.env._("%s (conversations and facts)", self.env[part.name]._description)
            for part in left
            if part.name in steps or part.name in self.env
        )
        text = self.env._(
            "%(done)s of %(total)s %(what)s",
            done=formatLang(self.env, left[0].done, digits=0),
            total=formatLang(self.env, left[0].total, digits=0),
            what=now,
        )
        if later:
            text = self.env._("%(progress)s; then %(later)s", progress=text, later=", ".join(later))
        if left[0].error:
            text = self.env._(
                "%(progress)s. The last try failed: %(error)s", progress=text, error=left[0].error
            )
        return text

    @api.model
    def _forget(self, records):
        """Empty the stamps and derived fields of records whose dates were set by SQL (imports,
        demo data), so that :meth:`_run` treats them like those of the time before.

        :param records: records of a model with facts, archived ones too
        """
        columns = [
            name
            for name in records._kpi_protected_fields()
            if records._fields[name].store and records._fields[name].column_type
        ]
        self.env.flush_all()
        if records and columns:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s WHERE id = ANY(%s)",
                    SQL.identifier(records._table),
                    SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in columns),
                    records.ids,
                )
            )
        self.env.invalidate_all()

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
