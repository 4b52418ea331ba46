# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Loads the public data set "CRM Sales Opportunities" with its real dates.

* An account is a company with its sector as industry and its country. Year of foundation, revenue
  and employees are in the notes; the parent company is linked.
* An agent is an internal user. The agents of one manager are a sales team that has the name of the
  manager, who leads it. The regional office is a tag of the team's opportunities and orders,
  because Odoo has no level above the team.
* A won deal is a won opportunity, closed on its day, with an order over the closing value that is
  confirmed on that day. A lost deal is archived as lost on its day.
* Other deals are open: in the first stage while they are prospects, else in the second one.
  Prospects have no date in the files. They get the last day that occurs in the files, so that the
  open pipeline is complete and the values of other days do not change.
* Open and lost deals have no value in the files: they expect the list price of their product.

Records are dated at noon in the company's KPI time zone, so that they are on the same day in every
time zone of a user.
"""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from odoo.fields import Command
from odoo.tools import SQL

from tools.sales_files import ImportProblem, read_files, slug

#: Module part of the external identifiers: records that exist are not loaded again.
NAMESPACE = "__import_sales__"
#: No mails and no log notes, because the records are in the past.
SILENT = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "no_reset_password": True,
    "mail_auto_subscribe_no_notify": True,
    "active_test": False,
}


class Importer:
    """Loads the files into the company of the environment. Existing records are kept."""

    def __init__(self, env, folder):
        self.data = read_files(folder)
        self.company = env.company
        # created by a user: records that the system user creates count as inbound
        importer = env.ref("base.user_admin")
        self.env = env(user=importer.id, su=True, context={**env.context, **SILENT})
        self.zone = ZoneInfo(self.company._kpi_tz())
        self.counts = {}
        self.known = {
            data.name: data.res_id
            for data in self.env["ir.model.data"].search([("module", "=", NAMESPACE)])
        }

    def run(self):
        """Load the missing records.

        :return: dict of model to the number of created records
        """
        self.industries = self._industries()
        self.accounts = self._accounts()
        self.products = self._products()
        self.users, self.teams, self.regions = self._people()
        leads = self._leads()
        if leads:
            self._orders(leads)
            self._date(leads)
            self._derive(leads)
        return {model: count for model, count in self.counts.items() if count}

    def noon(self, day):
        """Noon of a local day in naive UTC, as stored in the database."""
        local = datetime(day.year, day.month, day.day, 12, tzinfo=self.zone)
        return local.astimezone(timezone.utc).replace(tzinfo=None)

    def _load(self, model, prefix, values):
        """Records by key: those known by external identifier, the others created.

        :param dict values: key (as in the files) to values of the record
        :return: dict of key to record
        """
        names = {key: f"{prefix}_{slug(key)}" for key in values}
        Model = self.env[model]
        found = {
            key: record
            for key, name in names.items()
            if name in self.known and (record := Model.browse(self.known[name]).exists())
        }
        missing = [key for key in values if key not in found]
        created = Model.create([values[key] for key in missing])
        self.env["ir.model.data"]._update_xmlids(
            [
                {"xml_id": f"{NAMESPACE}.{names[key]}", "record": record, "noupdate": True}
                for key, record in zip(missing, created, strict=True)
            ]
        )
        self.counts[model] = self.counts.get(model, 0) + len(created)
        return {**found, **dict(zip(missing, created, strict=True))}

    def _industries(self):
        sectors = sorted({row["sector"] for row in self.data["accounts"]})
        return self._load(
            "res.partner.industry",
            "industry",
            {sector: {"name": sector.capitalize()} for sector in sectors},
        )

    def _accounts(self):
        countries = {
            name: self.env["res.country"].with_context(lang="en_US").search([("name", "=", name)])
            for name in {row["office_location"] for row in self.data["accounts"]}
        }
        if unknown := sorted(name for name, country in countries.items() if not country):
            raise ImportProblem(f"accounts.csv: unknown office_location {', '.join(unknown)}")
        accounts = self._load(
            "res.partner",
            "account",
            {
                row["account"]: {
                    "name": row["account"],
                    "is_company": True,
                    "industry_id": self.industries[row["sector"]].id,
                    "country_id": countries[row["office_location"]].id,
                    "comment": (
                        f"<p>Established {row['year_established']}, {row['employees']} "
                        f"employees, revenue {row['revenue']} million USD.</p>"
                    ),
                }
                for row in self.data["accounts"]
            },
        )
        for row in self.data["accounts"]:
            account, parent = accounts[row["account"]], accounts.get(row["subsidiary_of"])
            if parent and account.parent_id != parent:
                account.parent_id = parent
        return accounts

    def _products(self):
        series = self._load(
            "product.category",
            "series",
            {name: {"name": name} for name in {row["series"]: 1 for row in self.data["products"]}},
        )
        return self._load(
            "product.product",
            "product",
            {
                row["product"]: {
                    "name": row["product"],
                    "categ_id": series[row["series"]].id,
                    "list_price": row["sales_price"],
                    "taxes_id": [Command.clear()],
                }
                for row in self.data["products"]
            },
        )

    def _people(self):
        rows = self.data["sales_teams"]
        managers = sorted({row["manager"] for row in rows})
        agents = [row["sales_agent"] for row in rows]
        user, manager = (
            self.env.ref(f"sales_team.group_sale_{name}") for name in ("salesman", "manager")
        )
        users = self._load(
            "res.users",
            "user",
            {
                name: {
                    "name": name,
                    "login": slug(name).replace("_", "."),
                    "email": f"{slug(name).replace('_', '.')}@example.com",
                    "group_ids": [Command.link((manager if name in managers else user).id)],
                    "company_ids": [Command.set(self.company.ids)],
                    "company_id": self.company.id,
                    "tz": self.company._kpi_tz(),
                }
                for name in [*agents, *managers]
            },
        )
        teams = self._load(
            "crm.team",
            "team",
            {
                name: {
                    "name": name,
                    "user_id": users[name].id,
                    "company_id": self.company.id,
                    "use_leads": False,
                }
                for name in managers
            },
        )
        self._load(
            "crm.team.member",
            "member",
            {
                row["sales_agent"]: {
                    "user_id": users[row["sales_agent"]].id,
                    "crm_team_id": teams[row["manager"]].id,
                }
                for row in rows
            },
        )
        regions = self._load(
            "crm.tag",
            "region",
            {name: {"name": name} for name in sorted({row["regional_office"] for row in rows})},
        )
        return users, teams, regions

    def _leads(self):
        """The missing opportunities, created, as pairs of row and record."""
        rows = {
            row["opportunity_id"]: row
            for row in self.data["sales_pipeline"]
            if f"deal_{slug(row['opportunity_id'])}" not in self.known
        }
        if not rows:
            return []
        last_day = max(
            day
            for row in self.data["sales_pipeline"]
            for day in (row["engage_date"], row["close_date"])
            if day
        )
        stages = self.env["crm.stage"].search([("team_ids", "=", False)])
        won, going = stages.filtered("is_won")[:1], stages.filtered(lambda stage: not stage.is_won)
        if not won or not going:
            raise ImportProblem("the CRM has no won stage or no other: add one to its pipeline")
        stage_by_name = {
            "Prospecting": going[0],
            "Engaging": going[min(1, len(going) - 1)],
            "Won": won,
            "Lost": going[min(1, len(going) - 1)],
        }
        team_rows = {row["sales_agent"]: row for row in self.data["sales_teams"]}
        prices = {row["product"]: row["sales_price"] for row in self.data["products"]}
        values = {}
        for key, row in rows.items():
            team = team_rows[row["sales_agent"]]
            stage = row["deal_stage"]
            row["begin"] = row["engage_date"] or last_day
            values[key] = {
                "name": f"{row['product']} for {row['account'] or 'an unknown account'}",
                "type": "opportunity",
                "partner_id": self.accounts[row["account"]].id if row["account"] else False,
                "user_id": self.users[row["sales_agent"]].id,
                "team_id": self.teams[team["manager"]].id,
                "company_id": self.company.id,
                "tag_ids": [Command.link(self.regions[team["regional_office"]].id)],
                "stage_id": stage_by_name[stage].id,
                "expected_revenue": row["close_value"]
                if stage == "Won"
                else prices[row["product"]],
                "active": stage != "Lost",
            }
            if stage == "Won":
                values[key] |= {"probability": 100, "date_closed": self.noon(row["close_date"])}
            elif stage == "Lost":
                values[key] |= {
                    "probability": 0,
                    "automated_probability": 0,
                    "date_closed": self.noon(row["close_date"]),
                }
        leads = self._load("crm.lead", "deal", values)
        return [(rows[key], lead) for key, lead in leads.items()]

    def _orders(self, leads):
        """A confirmed order for every won deal."""
        won = [(row, lead) for row, lead in leads if row["deal_stage"] == "Won"]
        orders = self._load(
            "sale.order",
            "order",
            {
                row["opportunity_id"]: {
                    "partner_id": lead.partner_id.id,
                    "opportunity_id": lead.id,
                    "user_id": lead.user_id.id,
                    "team_id": lead.team_id.id,
                    "company_id": self.company.id,
                    "tag_ids": [Command.set(lead.tag_ids.ids)],
                    "date_order": self.noon(row["close_date"]),
                    "order_line": [
                        Command.create(
                            {
                                "product_id": self.products[row["product"]].id,
                                "product_uom_qty": 1,
                                "price_unit": row["close_value"],
                                "analytic_distribution": False,
                            }
                        )
                    ],
                }
                for row, lead in won
            },
        )
        by_day = {}
        for row, _lead in won:
            by_day.setdefault(row["close_date"], []).append(orders[row["opportunity_id"]].id)
        for day, ids in by_day.items():
            self.env["sale.order"].browse(ids).write(
                {"state": "sale", "date_order": self.noon(day)}
            )

    def _date(self, leads):
        """Set the dates of the records in the past; the ORM sets the current time."""
        self.env.flush_all()
        values = [
            (
                lead.id,
                self.noon(row["begin"]),
                self.noon(row["close_date"]) if row["deal_stage"] in ("Won", "Lost") else None,
            )
            for row, lead in leads
        ]
        ids, begins, ends = (list(column) for column in zip(*values, strict=True))
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_lead l
                   SET create_date = v.begin, date_open = v.begin, date_closed = v.finish,
                       date_last_stage_update = COALESCE(v.finish, v.begin),
                       day_open = 0,
                       day_close = CASE WHEN l.won_status = 'pending' THEN 0
                                   ELSE v.finish::date - v.begin::date END
                  FROM unnest(%s, %s::timestamp[], %s::timestamp[]) AS v (id, begin, finish)
                 WHERE l.id = v.id
                """,
                ids,
                begins,
                ends,
            )
        )
        self.env.cr.execute(
            SQL(
                "UPDATE sale_order SET create_date = date_order WHERE opportunity_id = ANY(%s)",
                ids,
            )
        )
        self.env.invalidate_all()

    def _derive(self, leads):
        """Let crm_kpi derive the facts from the dates, as at its installation."""
        ids = [lead.id for _row, lead in leads]
        orders = self.env["sale.order"].search([("opportunity_id", "in", ids)])
        backfill = self.env["crm.kpi.backfill"]
        backfill._forget(self.env["crm.lead"].browse(ids))
        backfill._forget(orders)
        # the query planner has no statistics yet about the rows of this transaction
        self.env.cr.execute("ANALYZE crm_lead, sale_order, sale_order_line, res_partner")
        backfill._run()
        self.env["crm.lead"]._kpi_mark_dirty(ids)
        orders._kpi_mark_dirty(orders.ids)


def import_sales(env, folder):
    """Load the data set into the company of the environment. Nothing is committed.

    :param env: environment of a database with crm_kpi
    :param folder: folder with the four files
    :return: dict of model to the number of created records; empty when all existed
    """
    return Importer(env, folder).run()
