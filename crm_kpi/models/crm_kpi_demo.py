# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import logging
import math
import time
from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Command
from odoo.tools import SQL
from odoo.tools.misc import split_every

from ..demo import history

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
PLANS = {"call": "Call back", "meeting": "Visit", "mail": "Send the revised offer"}


#: (scope, period, periods before, KPI, kind, promise); the promise is a share of what was usual,
#: a value with an upper bound where there are two, or the improvement.
GOALS = (
    ("user", "month", 2, "revenue_ordered", "at_least", {"target": 0.85}),
    ("user", "month", 2, "deals_won", "at_least", {"target": 0.9}),
    ("user", "month", 2, "win_rate", "at_least", (0.35,)),
    ("user", "month", 1, "lead_first_response_hours", "at_most", (4.0,)),
    ("user", "month", 1, "contact_attempts", "range", {"target": 0.8, "target_max": 1.3}),
    ("user", "quarter", 1, "revenue_ordered", "at_least", {"target": 0.95}),
    ("team", "month", 2, "revenue_ordered", "at_least", {"target": 0.9}),
    ("team", "month", 1, "win_rate", "at_least", (0.38,)),
    ("team", "quarter", 1, "revenue_ordered", "at_least", {"target": 1.1}),
    ("team", "quarter", 1, "sales_cycle_days", "at_most", (35.0,)),
    ("segment", "month", 2, "revenue_ordered", "at_least", {"target": 0.85}),
    ("segment", "quarter", 1, "win_rate", "at_least", (0.4,)),
    ("segment", "quarter", 1, "churn_rate", "at_most", (0.05,)),
    ("team_segment", "quarter", 0, "revenue_ordered", "at_least", {"target": 1.0}),
    ("user_segment", "quarter", 0, "revenue_ordered", "at_least", {"target": 0.9}),
    ("company", "month", 2, "revenue_ordered", "at_least", {"target": 0.95}),
    ("company", "month", 2, "deals_won_amount", "at_least", {"target": 1.1}),
    ("company", "quarter", 1, "deals_won_amount", "at_least", {"target": 1.3}),
    ("company", "month", 2, "new_customers", "improve", 0.25),
    ("company", "month", 2, "deals_won", "improve", 0.1),
    ("company", "month", 2, "lead_response_in_target_rate", "at_least", (0.4,)),
    ("company", "month", 1, "average_order_value", "range", {"target": 0.85, "target_max": 1.2}),
    ("company", "month", 1, "churn_rate", "at_most", (0.025,)),
    ("company", "month", 0, "unresponsive_prospects", "at_most", (12,)),
    ("company", "quarter", 0, "sales_cycle_days", "improve", 0.1),
    ("company", "quarter", 0, "contract_renewal_rate", "at_least", (0.9,)),
    ("company", "year", 0, "revenue_ordered", "at_least", {"target": 1.02}),
    ("company", "year", 0, "new_customers", "at_least", {"target": 0.95}),
)


class CrmKpiDemo(models.AbstractModel):
    """Writes the invented history of :mod:`..demo.history` to a database with demo data.

    People, customers and leads are made by the ORM in batches; orders are copied in SQL from
    one order per state that the ORM made, because a thousand of them would take a minute.
    Dates are set by SQL, facts and values follow by the same ways as in real life: the
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
    # people and products
    # ------------------------------------------------------------------
    @api.model
    def _make_users(self, people, groups, **values):
        """Internal users without password: ``people`` are pairs of login and name."""
        users = self.env["res.users"].create(
            [
                {
                    "login": login,
                    "name": name,
                    "email": f"{login}@dealer.example.com",
                    "group_ids": [Command.link(self.env.ref(group).id) for group in groups],
                    "company_id": self.env.company.id,
                    "company_ids": [Command.set(self.env.company.ids)],
                    "tz": self.env.company._kpi_tz(),
                    **values,
                }
                for login, name in people
            ]
        )
        self._quiet(users)
        return users

    @api.model
    def _quiet(self, users):
        """No greeting by OdooBot."""
        if "odoobot_state" in users._fields:
            users.odoobot_state = "disabled"

    @api.model
    def _people(self):
        """Sellers (in the order of the plan) and their teams."""
        rep = self.env.ref("crm_kpi.demo_user_rep")
        manager = self.env.ref("crm_kpi.demo_user_manager")
        self._quiet(rep + manager + self.env.ref("crm_kpi.demo_user_admin"))
        others = self._make_users(
            [(seller.login, seller.name) for seller in history.SELLERS if seller.login != "rep"],
            ["sales_team.group_sale_salesman"],
        )
        by_login = {user.login: user for user in rep + others}
        sellers = self.env["res.users"].concat(*(by_login[s.login] for s in history.SELLERS))
        teams = self.env["crm.team"].create(
            [
                {
                    "name": name,
                    "user_id": manager.id,
                    "company_id": self.env.company.id,
                    "use_leads": True,
                    "sequence": 20 + number,
                    "member_ids": [
                        Command.set(
                            [
                                user.id
                                for user, seller in zip(sellers, history.SELLERS, strict=True)
                                if seller.team == number and not seller.left
                            ]
                        )
                    ],
                }
                for number, name in enumerate(history.TEAMS)
            ]
        )
        self._name_records("seller", sellers)
        self._name_records("team", teams)
        return sellers, teams

    @api.model
    def _products(self):
        """Variants by name."""
        categories = self.env["product.category"].create(
            [{"name": name} for name in history.PRODUCTS]
        )
        values = [
            {
                "name": name,
                "list_price": price,
                "categ_id": category.id,
                "type": "service" if category.name == "Services" else "consu",
                "taxes_id": [Command.clear()],
            }
            for category in categories
            for name, price in history.PRODUCTS[category.name]
        ]
        products = self.env["product.product"].create(values)
        return {product.name: product for product in products}

    @api.model
    def _customers(self, plan, sellers):
        """Customers and the persons one talks to there, both in the order of the plan."""
        tags = {
            name: self.env["res.partner.category"].create({"name": name})
            for name in ("VIP", "Reseller")
        }
        partners = self.env["res.partner"].create(
            [
                {
                    "name": customer.name,
                    "is_company": customer.is_company,
                    "email": f"office@{customer.email.split('@')[1]}"
                    if customer.is_company
                    else customer.email,
                    "city": customer.city,
                    "country_id": self.env.ref(f"base.{_country(customer.country)}").id,
                    "industry_id": customer.industry
                    and self.env.ref(f"base.res_partner_industry_{customer.industry}").id,
                    "user_id": sellers[history.SUCCESSOR.get(customer.seller, customer.seller)].id,
                    "category_id": [Command.link(tags[tag].id) for tag in customer.tags],
                    "company_id": False,
                }
                for customer in plan.customers
            ]
        )
        companies = [
            (customer, partner)
            for customer, partner in zip(plan.customers, partners, strict=True)
            if customer.is_company
        ]
        persons = self.env["res.partner"].create(
            [
                {"name": customer.contact, "email": customer.email, "parent_id": partner.id}
                for customer, partner in companies
            ]
        )
        person_of = dict(zip([customer.index for customer, _p in companies], persons, strict=True))
        contacts = [
            person_of.get(customer.index, partner)
            for customer, partner in zip(plan.customers, partners, strict=True)
        ]
        since = [min(customer.since, plan.now) for customer in plan.customers]
        self._set_columns(
            partners,
            {
                "create_date": ("timestamp", since),
                "create_uid": ("int4", [sellers[c.seller].id for c in plan.customers]),
            },
        )
        self._set_columns(
            persons, {"create_date": ("timestamp", [since[c.index] for c, _p in companies])}
        )
        self._name_records("customer", partners)
        return partners, contacts

    # ------------------------------------------------------------------
    # leads
    # ------------------------------------------------------------------
    @api.model
    def _leads(self, plan, sellers, teams, partners, contacts):
        stages = self.env["crm.stage"].search([("team_ids", "=", False)])
        won = stages.filtered("is_won")[:1]
        going = stages - stages.filtered("is_won")
        sources = {
            name: self.env["utm.source"].search([("name", "=", name)], limit=1)
            or self.env["utm.source"].create({"name": name})
            for name in history.SOURCES
        }
        reasons = {
            name: self.env["crm.lost.reason"].search([("name", "=", name)], limit=1)
            or self.env["crm.lost.reason"].create({"name": name})
            for name in [*(name for name, _weight in history.LOST_REASONS), "Duplicate"]
        }
        reasons["Duplicate"].kpi_disqualified = True
        values = []
        for lead in plan.leads:
            customer = lead.customer
            vals = {
                "name": lead.name,
                "type": lead.kind,
                "partner_id": customer and contacts[customer.index].id,
                "user_id": False if lead.seller is None else sellers[lead.seller].id,
                "team_id": teams[lead.team].id,
                "company_id": self.env.company.id,
                "stage_id": going[min(lead.stage, len(going) - 1)].id,
                "expected_revenue": 0.0 if lead.kind == "lead" else lead.expected,
                "date_deadline": lead.kind == "opportunity" and lead.deadline,
                "source_id": lead.source and sources[lead.source].id,
                "kpi_referrer_id": lead.referrer and partners[lead.referrer.index].id,
                "date_conversion": lead.converted,
                "description": lead.request and f"<p>{lead.request}</p>",
            }
            if not customer:
                vals |= {
                    "partner_name": lead.company,
                    "contact_name": lead.contact,
                    "email_from": lead.email,
                    "country_id": self.env.ref(f"base.{_country(lead.country)}").id,
                }
            if lead.outcome == "won":
                vals |= {"stage_id": won.id, "probability": 100, "date_closed": lead.closed}
            elif lead.outcome == "lost":
                vals |= {
                    "active": False,
                    "probability": 0,
                    "automated_probability": 0,
                    "date_closed": lead.closed,
                    "lost_reason_id": reasons[lead.reason].id,
                }
            elif lead.kind == "opportunity":
                vals["probability"] = (15, 35, 60)[lead.stage]
            values.append(vals)
        leads = self.env["crm.lead"].create(values)
        entered = [
            lead.closed or lead.converted or lead.created + (plan.now - lead.created) * 0.6
            for lead in plan.leads
        ]
        authors = [
            SUPERUSER_ID if lead.inbound or lead.seller is None else sellers[lead.seller].id
            for lead in plan.leads
        ]
        self._set_columns(
            leads,
            {
                "create_date": ("timestamp", [lead.created for lead in plan.leads]),
                "date_open": ("timestamp", [lead.created for lead in plan.leads]),
                "date_closed": ("timestamp", [lead.closed for lead in plan.leads]),
                "date_last_stage_update": ("timestamp", entered),
                "date_conversion": ("timestamp", [lead.converted for lead in plan.leads]),
                "create_uid": ("int4", authors),
                "day_close": (
                    "float8",
                    [
                        (lead.closed - lead.created).days if lead.closed else 0
                        for lead in plan.leads
                    ],
                ),
                "day_open": ("float8", [0] * len(leads)),
            },
        )
        self._plans(plan, leads, sellers)
        return leads

    @api.model
    def _plans(self, plan, leads, sellers):
        """Next steps of open opportunities."""
        today = fields.Date.context_today(self)
        self.env["mail.activity"].create(
            [
                {
                    "res_model_id": self.env["ir.model"]._get_id("crm.lead"),
                    "res_id": leads[lead.index].id,
                    "activity_type_id": self.env.ref(ACTIVITY_TYPES[lead.plans]).id,
                    "summary": PLANS[lead.plans],
                    "user_id": sellers[lead.seller].id,
                    "date_deadline": today + timedelta(days=lead.plan_days),
                }
                for lead in plan.leads
                if lead.plans and lead.seller is not None
            ]
        )

    @api.model
    def _lead_messages(self, plan, sellers, leads):
        rows = []
        for lead in plan.leads:
            contact = leads[lead.index].partner_id
            for message in lead.messages:
                user = None if message.author is None else sellers[message.author]
                rows.append(
                    {
                        "model": "crm.lead",
                        "res_id": leads[lead.index].id,
                        "date": message.date,
                        "kind": message.kind,
                        "author": user.partner_id.id if user else contact.id if contact else None,
                        "email_from": f'"{user.name}" <{user.email}>'
                        if user
                        else contact.email_formatted or f'"{lead.contact}" <{lead.email}>',
                        "body": message.body,
                        "uid": user.id if user else SUPERUSER_ID,
                    }
                )
        rows.sort(key=lambda row: row["date"])
        return len(self._insert_messages(rows))

    # ------------------------------------------------------------------
    # orders
    # ------------------------------------------------------------------
    @api.model
    def _orders(self, plan, sellers, teams, partners, contacts, leads, products):
        """Orders as copies of one model per state, with what distinguishes them replaced."""
        models_of = self._model_orders(partners[0], products)
        count, names = len(plan.orders), []
        sequence = self.env["ir.sequence"].search(
            [("code", "=", "sale.order"), ("company_id", "in", [False, self.env.company.id])],
            order="company_id",
            limit=1,
        )
        names = [sequence.next_by_id() for _order in plan.orders]
        ids = self._reserve_ids("sale_order", count)
        order_rows, line_rows = [], []
        numbers = self._reserve_ids("sale_order_line", sum(len(o.lines) for o in plan.orders))
        numbers = iter(numbers)
        for order, order_id, name in zip(plan.orders, ids, names, strict=True):
            model = models_of[order.state]
            customer, contact = partners[order.customer.index], contacts[order.customer.index]
            user_id = None if order.seller is None else sellers[order.seller].id
            date_order = order.confirmed or order.created
            amount = round(order.amount, 2)
            order_rows.append(
                {
                    "model_id": model.id,
                    "id": order_id,
                    "name": name,
                    "partner_id": contact.id,
                    "partner_invoice_id": customer.id,
                    "partner_shipping_id": customer.id,
                    "user_id": user_id,
                    "team_id": teams[order.customer.size].id,
                    "opportunity_id": None if order.lead is None else leads[order.lead].id,
                    "date_order": fields.Datetime.to_string(date_order),
                    "create_date": fields.Datetime.to_string(order.created),
                    "create_uid": user_id or SUPERUSER_ID,
                    "validity_date": fields.Date.to_string(order.created + timedelta(days=30)),
                    "amount_untaxed": amount,
                    "amount_tax": 0,
                    "amount_total": amount,
                    "access_token": None,
                }
            )
            lines_of = {line.product_id: line for line in model.order_line}
            for sequence_no, (product_name, quantity, price, discount) in enumerate(order.lines):
                product = products[product_name]
                subtotal = round(quantity * price * (1 - discount / 100), 2)
                sold = order.state == "sale"
                line_rows.append(
                    {
                        "model_id": lines_of[product].id,
                        "id": next(numbers),
                        "order_id": order_id,
                        "sequence": 10 + sequence_no,
                        "order_partner_id": contact.id,
                        "salesman_id": user_id,
                        "product_uom_qty": quantity,
                        "price_unit": price,
                        "technical_price_unit": price,
                        "discount": discount,
                        "price_subtotal": subtotal,
                        "price_total": subtotal,
                        "price_tax": 0,
                        "price_reduce_taxexcl": subtotal / quantity,
                        "price_reduce_taxinc": subtotal / quantity,
                        "qty_to_invoice": quantity
                        if sold and lines_of[product].qty_to_invoice
                        else 0,
                        "untaxed_amount_to_invoice": subtotal
                        if sold and lines_of[product].qty_to_invoice
                        else 0,
                        "create_date": fields.Datetime.to_string(order.created),
                    }
                )
        self._copy_rows("sale_order", order_rows)
        self._copy_rows("sale_order_line", line_rows)
        for model in models_of.values():
            model.write({"state": "cancel"})
            model.unlink()
        self.env.invalidate_all()
        return self.env["sale.order"].browse(ids)

    @api.model
    def _model_orders(self, partner, products):
        """One order per state with a line of every product, complete as the ORM makes them."""
        result = {}
        for state in ("draft", "sent", "sale", "cancel"):
            order = self.env["sale.order"].create(
                {
                    "partner_id": partner.id,
                    "company_id": self.env.company.id,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_uom_qty": 1,
                                "analytic_distribution": False,
                            }
                        )
                        for product in products.values()
                    ],
                }
            )
            if state != "draft":
                order.write({"state": state})
            result[state] = order
        self.env.flush_all()
        return result

    @api.model
    def _reserve_ids(self, table, count):
        self.env.cr.execute(
            SQL("SELECT nextval(%s) FROM generate_series(1, %s)", f"{table}_id_seq", count)
        )
        return [id_ for (id_,) in self.env.cr.fetchall()]

    @api.model
    def _copy_rows(self, table, rows):
        """Insert copies of rows of a table; ``model_id`` names the one to copy."""
        self.env.flush_all()
        for batch in split_every(1000, rows, list):
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO %(table)s
                    SELECT copy.*
                      FROM jsonb_array_elements(%(rows)s::jsonb) AS v (data)
                      JOIN %(table)s AS model ON model.id = (v.data->>'model_id')::int
                CROSS JOIN LATERAL jsonb_populate_record(model, v.data) AS copy
                    """,
                    table=SQL.identifier(table),
                    rows=json.dumps(batch),
                )
            )

    @api.model
    def _order_messages(self, plan, sellers, orders):
        rows = []
        for order in plan.orders:
            if not order.sent or order.seller is None:
                continue
            user = sellers[order.seller]
            rows.append(
                {
                    "model": "sale.order",
                    "res_id": orders[order.index].id,
                    "date": order.sent,
                    "kind": "mail",
                    "author": user.partner_id.id,
                    "email_from": f'"{user.name}" <{user.email}>',
                    "body": "Please find our quotation in your portal. "
                    "I am glad to answer any question.",
                    "uid": user.id,
                }
            )
        rows.sort(key=lambda row: row["date"])
        return len(self._insert_messages(rows))

    # ------------------------------------------------------------------
    # facts and goals
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

    @api.model
    def _goals(self, sellers, teams):
        """Goals of all kinds and scopes, as managers set them: somewhat more than lately."""
        industries = self._big_segments(4)
        here = sellers.filtered("active")
        owners = {
            "company": [{}],
            "team": [{"team_id": team.id} for team in teams],
            "user": [{"user_id": user.id} for user in here],
            "segment": [{"segment_id": segment.id} for segment in industries],
            "team_segment": [
                {"team_id": team.id, "segment_id": segment.id}
                for team in teams[:2]
                for segment in industries[:2]
            ],
            "user_segment": [
                {"user_id": here[0].id, "segment_id": segment.id} for segment in industries[:2]
            ],
        }
        return self._make_goals(GOALS, owners)

    @api.model
    def _make_goals(self, plan, owners):
        """Create the goals of a plan (see GOALS).

        :param dict owners: scope to the list of its values (team_id, user_id, segment_id)
        """
        period_model = self.env["crm.kpi.period"]
        kpis = {kpi.code: kpi for kpi in self.env["crm.kpi"].search([])}
        values = []
        for scope, span, back, code, kind, promise in plan:
            if code not in kpis:
                continue
            running = period_model._current(span)
            periods = [running]
            while len(periods) <= back and (before := periods[-1]._previous().get(periods[-1])):
                periods.append(before)
            for period in periods:
                for owner in owners[scope]:
                    vals = self._goal(kpis[code], period, scope, owner, kind, promise)
                    if vals:
                        values.append(vals)
        return self.env["crm.kpi.goal"].create(values)

    @api.model
    def _big_segments(self, count):
        """The industries with the highest revenue so far."""
        self.env.cr.execute(
            SQL(
                """
                SELECT v.segment_id
                  FROM crm_kpi_value v
                  JOIN crm_kpi k ON k.id = v.kpi_id AND k.code = 'revenue_ordered'
                  JOIN crm_kpi_period p ON p.id = v.period_id AND p.kind = 'month'
                  JOIN crm_kpi_segment s ON s.id = v.segment_id AND s.set_id = %s
                 WHERE v.level = 'segment' AND s.is_unknown IS NOT TRUE AND v.company_id = %s
              GROUP BY 1 ORDER BY sum(v.value) DESC, 1 LIMIT %s
                """,
                self.env.ref("crm_kpi.segment_set_industry").id,
                self.env.company.id,
                count,
            )
        )
        return self.env["crm.kpi.segment"].browse([row[0] for row in self.env.cr.fetchall()])

    @api.model
    def _goal(self, kpi, period, scope, owner, kind, promise):
        """Values of a goal, None where nothing is known to set it by."""
        vals = {"kpi_id": kpi.id, "period_id": period.id, "scope": scope, "kind": kind, **owner}
        if kind == "improve":
            return vals | {"improve_by": promise, "baseline_kind": "mean", "baseline_count": 3}
        if isinstance(promise, dict):  # relative to what was usual
            usual = self._usual(kpi, period, scope, owner)
            if not usual:
                return None
            promise = {
                name: _rounded(usual * factor, kpi.unit == "count")
                for name, factor in promise.items()
            }
        else:
            promise = dict(zip(("target", "target_max"), promise, strict=False))
        return vals | promise

    @api.model
    def _usual(self, kpi, period, scope, owner):
        """Mean of the values in the three periods before; of a year, its share of the months."""
        kind, count = ("month", 6) if period.kind == "year" else (period.kind, 3)
        domain = [(f"{name}_id", "=", owner.get(f"{name}_id", False))
                  for name in ("team", "user", "segment")]  # fmt: skip
        found = self.env["crm.kpi.value"].search(
            [
                ("kpi_id", "=", kpi.id),
                ("company_id", "=", period.company_id.id),
                ("level", "=", scope),
                ("period_id.kind", "=", kind),
                ("period_id.date_to", "<=", fields.Date.context_today(self)
                 if period.kind == "year" else period.date_from),
                *domain,
            ]
        )  # fmt: skip
        found = found.sorted(lambda value: value.period_id.date_from, reverse=True)[:count]
        numbers = [value.value for value in found if value.value is not False]
        if not numbers:
            return None
        mean = sum(numbers) / len(numbers)
        return mean * 12 if period.kind == "year" else mean


def _rounded(number, whole):
    """As people set targets: two leading digits, or at least one of what is counted."""
    if not number:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(number)))
    return max(1.0, float(round(number, min(digits, 0)))) if whole else float(round(number, digits))


_GONE = frozenset(seller.login for seller in history.SELLERS if seller.left)


def _country(code):
    return {"gb": "uk"}.get(code, code)
