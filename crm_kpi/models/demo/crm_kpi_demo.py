# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import logging
import time
from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import split_every

from ...demo import history

_logger = logging.getLogger(__name__)

#: Module part of the external identifiers of what is made here.
NAMESPACE = "__crm_kpi_demo__"
#: Nobody gets mail, nothing is logged: this is history.
SILENT = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "no_reset_password": True,
    "mail_auto_subscribe_no_notify": True,
    "mail_activity_quick_update": True,
    "active_test": False,
}
ACTIVITY_TYPES = {
    "call": "mail.mail_activity_data_call",
    "meeting": "mail.mail_activity_data_meeting",
    "mail": "mail.mail_activity_data_email",
    "letter": "crm_kpi.mail_activity_type_letter",
    "brochure": "crm_kpi.mail_activity_type_brochure",
}
#: Subtype of the mail that created a record.
CREATION_SUBTYPES = {
    "crm.lead": "crm.mt_lead_create",
    "helpdesk.ticket": "helpdesk_mgmt.hlp_tck_created",
}


class CrmKpiDemo(models.AbstractModel):
    """Writes the invented history of :mod:`..demo.history` to a database with demo data.

    Each part of the story has a file of its own. Records are made by the ORM in batches, orders
    in SQL; dates are set by SQL, facts and values follow by the same ways as in real life: the
    back-fill, the derivation and the refresh.
    """

    _name = "crm.kpi.demo"
    _description = "KPI: demo data"

    @api.model
    def _load(self):
        """Load once; called by the demo data file."""
        if self._known("customer_0"):
            return
        start = time.monotonic()
        # superuser: called while the module is installed, for the whole company
        self = self.with_context(**SILENT).sudo()
        company = self.env.company
        # the same hour gives the same story
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        plan = history.History(now, ZoneInfo(company._kpi_tz()))
        months = history.MONTHS_OF_LEADS - 2
        company.kpi_history_start = (now - timedelta(days=30.4 * months)).date().replace(day=1)
        sellers, teams = self._people()
        products = self._products()
        partners, contacts = self._customers(plan, sellers)
        leads = self._leads(plan, sellers, teams, partners, contacts)
        self._colleagues(plan, partners, leads)
        orders = self._orders(plan, sellers, teams, partners, contacts, leads, products)
        messages = self._lead_messages(plan, sellers, leads)
        messages += self._order_messages(plan, sellers, orders)
        self._order_details(plan, sellers, orders)
        self._costs(sellers, teams, orders)
        messages += self._prospecting(plan, sellers, leads)
        messages += self._profiles(plan, sellers, partners, contacts)
        sellers.filtered(lambda user: user.login in _GONE).active = False
        self._derive()
        self._refresh_story()
        goals = self._goals(sellers, teams)
        # what is measured by the target of another
        self._refresh_story(self.env["crm.kpi"]._by_code(["pipeline_coverage"]))
        _logger.info(
            "KPI demo data: %s customers, %s leads, %s orders, %s messages, %s goals in %.0f s",
            len(partners), len(leads), len(orders), messages, len(goals),
            time.monotonic() - start,
        )  # fmt: skip

    # ------------------------------------------------------------------
    # helpers
    # ------------------------------------------------------------------
    @api.model
    def _known(self, name):
        return self.env.ref(f"{NAMESPACE}.{name}", raise_if_not_found=False)

    @api.model
    def _customers_known(self):
        """The customers of the demo in the order of its plan, for other demo data."""
        names = self.env["ir.model.data"].search(
            [("module", "=", NAMESPACE), ("name", "=like", "customer\\_%")]
        )
        by_number = {int(name.name.split("_")[1]): name.res_id for name in names}
        return self.env["res.partner"].browse([by_number[number] for number in sorted(by_number)])

    @api.model
    def _name_records(self, prefix, records):
        """External identifiers, so that other demo data finds the records."""
        self.env["ir.model.data"]._update_xmlids(
            [
                {"xml_id": f"{NAMESPACE}.{prefix}_{index}", "record": record, "noupdate": True}
                for index, record in enumerate(records)
            ]
        )

    @api.model
    def _set_columns(self, records, columns):
        """Set columns that the ORM keeps for itself, such as ``create_date``.

        :param columns: name to ``(type in PostgreSQL, list of values in the order of records)``
        """
        if not records:
            return
        self.env.flush_all()
        names = list(columns)
        self.env.cr.execute(
            SQL(
                "UPDATE %s AS r SET %s FROM unnest(%s, %s) AS v (id, %s) WHERE r.id = v.id",
                SQL.identifier(records._table),
                SQL(", ").join(
                    SQL("%s = v.%s", SQL.identifier(name), SQL.identifier(name)) for name in names
                ),
                records.ids,
                SQL(", ").join(
                    SQL("%s::%s", list(values), SQL(f"{kind}[]"))
                    for kind, values in columns.values()
                ),
                SQL(", ").join(SQL.identifier(name) for name in names),
            )
        )
        records.invalidate_recordset()

    @api.model
    def _insert_messages(self, rows):
        """Messages of the past: one statement, no notification.

        :param rows: dicts with model, res_id, date, kind (as in the stories, or log for
            tracking), author (partner id or None), email_from, body, uid
        :return: ids in the order of the rows
        """
        refs = {
            name: self.env["ir.model.data"]._xmlid_to_res_id(xmlid)  # None without the app
            for name, xmlid in {
                **ACTIVITY_TYPES,
                "comment": "mail.mt_comment",
                **CREATION_SUBTYPES,
                "note": "mail.mt_note",
                "activity": "mail.mt_activities",
            }.items()
        }
        shapes = {
            "mail": ("comment", refs["comment"], None),
            "in": ("email", refs["comment"], None),
            **{f"request:{model}": ("email", refs[model], None) for model in CREATION_SUBTYPES},
            **{
                kind: ("notification", refs["activity"], refs[kind])
                for kind in ("call", "meeting", "letter", "brochure")
            },
            "log": ("notification", refs["note"], None),
        }

        def shape(row):
            kind = row["kind"]
            return shapes[f"request:{row['model']}" if kind == "request" else kind]

        ids = []
        for batch in split_every(5000, rows, list):
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO mail_message
                        (model, res_id, date, message_type, subtype_id, mail_activity_type_id,
                         author_id, email_from, body, is_internal, message_id,
                         create_uid, write_uid, create_date, write_date)
                    SELECT r.model, r.res_id, r.date, r.message_type, r.subtype_id,
                           r.activity_type_id, r.author_id, r.email_from, r.body,
                           r.message_type = 'notification',
                           format('<%%s.%%s.%%s@demo.example.com>', r.model, r.res_id, r.n),
                           r.uid, r.uid, r.date, r.date
                      FROM jsonb_to_recordset(%s::jsonb) AS r (
                           n int, model text, res_id int, date timestamp, message_type text,
                           subtype_id int, activity_type_id int, author_id int, email_from text,
                           body text, uid int)
                  ORDER BY r.n
                 RETURNING id
                    """,
                    json.dumps(
                        [
                            {
                                "n": len(ids) + number,
                                "model": row["model"],
                                "res_id": row["res_id"],
                                "date": fields.Datetime.to_string(row["date"]),
                                "message_type": shape(row)[0],
                                "subtype_id": shape(row)[1],
                                "activity_type_id": shape(row)[2],
                                "author_id": row["author"],
                                "email_from": row["email_from"],
                                "body": row["body"] and f"<p>{row['body']}</p>",
                                "uid": row["uid"],
                            }
                            for number, row in enumerate(batch)
                        ]
                    ),
                )
            )
            ids += [message_id for (message_id,) in self.env.cr.fetchall()]
        self.env["mail.message"].invalidate_model()
        return ids

    # ------------------------------------------------------------------
    # facts and values
    # ------------------------------------------------------------------
    @api.model
    def _derive(self):
        """Let the module find the facts in the history, as it does at its installation."""
        for model in self._dated_models():
            self.env["crm.kpi.backfill"]._forget(self.env[model].search([]))
        # the planner knows nothing yet of rows made in this transaction
        self.env.cr.execute(
            "ANALYZE crm_lead, mail_message, res_partner, sale_order, sale_order_line"
        )
        self.env["crm.kpi.backfill"]._run()
        for model in self._dated_models():
            self.env[model]._kpi_mark_all_dirty()

    @api.model
    def _dated_models(self):
        return ("crm.lead", "sale.order")

    @api.model
    def _refresh_module(self, module):
        """Compute the KPIs that came with an addon, whose demo data is loaded after all else."""
        names = self.env["ir.model.data"].search(
            [("module", "=", module), ("model", "=", "crm.kpi")]
        )
        self._refresh_story(self.env["crm.kpi"].browse(names.mapped("res_id")))

    @api.model
    def _refresh_story(self, kpis=None):
        """Compute what has been told so far.

        What a further part of the story adds to months long gone was known all the time: it
        takes the place of their values and restates nothing. Only a value that was computed
        after its period is locked.
        """
        self.env.flush_all()
        long_ago = fields.Datetime.to_datetime("1970-01-01")
        self.env.cr.execute("UPDATE crm_kpi_computation SET computed_at = %s", [long_ago])
        self.env["crm.kpi"]._refresh(kpis=kpis)
        self.env.cr.execute(
            "UPDATE crm_kpi_computation SET computed_at = %s WHERE computed_at = %s",
            [fields.Datetime.now(), long_ago],
        )
        self.env["crm.kpi.computation"].invalidate_model()


_GONE = frozenset(seller.login for seller in history.SELLERS if seller.left)
