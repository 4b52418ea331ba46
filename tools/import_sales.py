# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Load the public data set "CRM Sales Opportunities" with its true dates.

    ./run import-sales FOLDER DB

runs this file in Odoo's shell. The folder holds four files: ``accounts.csv``,
``products.csv``, ``sales_teams.csv`` and ``sales_pipeline.csv`` (8,800 opportunities of 30
agents with 85 accounts, October 2016 to December 2017).

What becomes of them:

* an account is a company with its sector as industry and its country; year of foundation,
  revenue and employees go to the notes, the parent company is linked;
* an agent is an internal user; the agents of one manager are a sales team that is named after
  the manager, who leads it. The regional office is a tag of the team's opportunities and
  orders: Odoo has no level above the team;
* a won deal is a won opportunity, closed on its day, with an order confirmed on that day over
  the closing value; a lost deal is archived as lost on its day;
* the others are open: in the second stage when they have been engaged, in the first while they
  are prospected. Prospects have no date in the files; they are dated on the last day that
  occurs in them, so that the open pipeline is complete and no other day's figures move.
  Open and lost deals expect the list price of their product, having no other value.

Days are put at noon in the company's KPI time zone, so that they are the same day in every
part of the world people look from.
"""

import csv
import logging
import os
import re
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from odoo.fields import Command
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Columns the files must have.
COLUMNS = {
    "accounts": (
        "account",
        "sector",
        "year_established",
        "revenue",
        "employees",
        "office_location",
        "subsidiary_of",
    ),
    "products": ("product", "series", "sales_price"),
    "sales_teams": ("sales_agent", "manager", "regional_office"),
    "sales_pipeline": (
        "opportunity_id",
        "sales_agent",
        "product",
        "account",
        "deal_stage",
        "engage_date",
        "close_date",
        "close_value",
    ),
}
#: Slips of the files, by column. Anything else that is unknown stops the import.
SLIPS = {
    "product": {"GTXPro": "GTX Pro"},
    "sector": {"technolgy": "technology"},
    "office_location": {"Philipines": "Philippines", "Korea": "South Korea"},
}
STAGES = ("Prospecting", "Engaging", "Won", "Lost")
#: Module part of the external identifiers: what is there already is not loaded again.
NAMESPACE = "__import_sales__"
#: Nobody gets mail, nothing is logged: this is history.
SILENT = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "no_reset_password": True,
    "mail_auto_subscribe_no_notify": True,
    "active_test": False,
}
HEADLINES = ("deals_won", "deals_lost", "win_rate", "deals_won_amount", "sales_cycle_days_mean")


class ImportProblem(Exception):
    """The files are not what they should be: one line that says where."""


# ------------------------------------------------------------------------------------------
# the files
# ------------------------------------------------------------------------------------------
def read_files(folder):
    """Rows of the four files with the known slips mended.

    :param folder: path of the folder
    :return: dict of file name (without .csv) to list of dicts
    """
    data = {}
    for name, columns in COLUMNS.items():
        path = Path(folder) / f"{name}.csv"
        if not path.is_file():
            raise ImportProblem(f"{path} is missing: the folder must hold {name}.csv")
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise ImportProblem(f"{path} has no column {', '.join(missing)}")
            data[name] = [
                {column: _mended(column, row[column]) for column in columns} for row in reader
            ]
    _check(data)
    return data


def _mended(column, value):
    value = (value or "").strip()
    return SLIPS.get(column, {}).get(value, value)


def _check(data):
    """Every name must be known, every date and amount readable; all errors in one message."""
    problems = []
    known = {
        "account": {row["account"] for row in data["accounts"]},
        "product": {row["product"] for row in data["products"]},
        "sales_agent": {row["sales_agent"] for row in data["sales_teams"]},
    }
    seen = set()
    for line, row in enumerate(data["sales_pipeline"], start=2):
        where = f"sales_pipeline.csv, line {line}"
        for column, names in known.items():
            value = row[column]
            if value not in names and (value or column != "account"):
                problems.append(f"{where}: unknown {column} {value!r}")
        stage = row["deal_stage"]
        if stage not in STAGES:
            problems.append(f"{where}: unknown deal_stage {stage!r}")
        if row["opportunity_id"] in seen:
            problems.append(f"{where}: {row['opportunity_id']} occurs twice")
        seen.add(row["opportunity_id"])
        closed = stage in ("Won", "Lost")
        for column, wanted in (("engage_date", stage != "Prospecting"), ("close_date", closed)):
            try:
                row[column] = parse_day(row[column])
            except ValueError:
                problems.append(f"{where}: {column} {row[column]!r} is no date M/D/YYYY")
                continue
            if wanted and not row[column]:
                problems.append(f"{where}: {column} is missing")
        try:
            row["close_value"] = float(row["close_value"]) if row["close_value"] else 0.0
        except ValueError:
            problems.append(f"{where}: close_value {row['close_value']!r} is no amount")
    for line, row in enumerate(data["accounts"], start=2):
        parent = row["subsidiary_of"]
        if parent and parent not in known["account"]:
            problems.append(f"accounts.csv, line {line}: unknown subsidiary_of {parent!r}")
    for line, row in enumerate(data["products"], start=2):
        try:
            row["sales_price"] = float(row["sales_price"])
        except ValueError:
            problems.append(f"products.csv, line {line}: no price {row['sales_price']!r}")
    if problems:
        more = f"\n  and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise ImportProblem("the files contain:\n  " + "\n  ".join(problems[:10]) + more)


def parse_day(text):
    """``"3/1/2017"`` (month first) as a date; None when empty."""
    return datetime.strptime(text, "%m/%d/%Y").date() if text else None


def slug(text):
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


# ------------------------------------------------------------------------------------------
# the database
# ------------------------------------------------------------------------------------------
class Importer:
    """Loads the files into the company of the environment, leaving out what is there."""

    def __init__(self, env, folder):
        self.data = read_files(folder)
        self.company = env.company
        # created by a person: what the system itself creates counts as come in from outside
        importer = env.ref("base.user_admin")
        self.env = env(user=importer.id, su=True, context={**env.context, **SILENT})
        self.zone = ZoneInfo(self.company._kpi_tz())
        self.counts = {}
        self.known = {
            data.name: data.res_id
            for data in self.env["ir.model.data"].search([("module", "=", NAMESPACE)])
        }

    def run(self):
        """Load what is missing.

        :return: dict of model to the number of records made
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
        """Noon of a local day as the database keeps it (naive UTC)."""
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
        """Opportunities that are not there yet, as pairs of row and record."""
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
        """Put the records where they belong in time: the ORM dates them now."""
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
        """Let the module find the facts in the dates, as it does at its installation."""
        ids = [lead.id for _row, lead in leads]
        orders = self.env["sale.order"].search([("opportunity_id", "in", ids)])
        backfill = self.env["crm.kpi.backfill"]
        backfill._forget(self.env["crm.lead"].browse(ids))
        backfill._forget(orders)
        # the planner knows nothing yet of rows made in this transaction
        self.env.cr.execute("ANALYZE crm_lead, sale_order, sale_order_line, res_partner")
        backfill._run()
        self.env["crm.lead"]._kpi_mark_dirty(ids)
        orders._kpi_mark_dirty(orders.ids)


def import_sales(env, folder):
    """Load the data set into the company of the environment. Nothing is committed.

    :param env: environment of a database with crm_kpi
    :param folder: folder with the four files
    :return: dict of model to the number of records made; empty when all were there
    """
    return Importer(env, folder).run()


# ------------------------------------------------------------------------------------------
# the command
# ------------------------------------------------------------------------------------------
def headlines(env):
    """The figures of the data set as lines of text, read from the computed values."""
    kpis = {kpi.code: kpi for kpi in env["crm.kpi"].search([("code", "in", HEADLINES)])}
    values = env["crm.kpi.value"].search(
        [
            ("kpi_id", "in", [kpi.id for kpi in kpis.values()]),
            ("company_id", "=", env.company.id),
            ("level", "=", "company"),
            ("period_id.kind", "in", ["quarter", "year"]),
            ("period_id.date_from", ">=", "2017-01-01"),
            ("period_id.date_to", "<=", "2018-01-01"),
        ]
    )
    periods = values.period_id.sorted(lambda p: (p.kind != "year", p.date_from))
    codes = [code for code in HEADLINES if code in kpis]
    cells = {(value.period_id, value.kpi_id.code): value.value for value in values}
    lines = ["".join([f"{'':<10}", *(f"{kpis[code].name:>28}" for code in codes)])]
    for period in periods:
        texts = []
        for code in codes:
            number = cells.get((period, code), False)
            if number is False:
                texts.append("–")
            elif kpis[code].unit == "percent":
                texts.append(f"{number:.2%}")
            else:
                texts.append(f"{number:,.{kpis[code].digits}f}")
        lines.append("".join([f"{period.name:<10}", *(f"{text:>28}" for text in texts)]))
    return lines


def main(env):
    folder = os.environ.get("CRM_KPI_IMPORT_FOLDER")
    if not folder:
        sys.exit(
            "import-sales: CRM_KPI_IMPORT_FOLDER names no folder: ./run import-sales FOLDER DB"
        )
    start = time.monotonic()
    try:
        counts = import_sales(env, folder)
    except ImportProblem as problem:
        sys.exit(f"import-sales: {problem}")
    if counts:
        made = ", ".join(f"{count:,} {env[model]._description}" for model, count in counts.items())
        print(f"Loaded in {time.monotonic() - start:.0f} s: {made}")
    else:
        print("All of it is there already: nothing was changed.")
    start = time.monotonic()
    cells = env["crm.kpi"]._refresh()
    env.cr.commit()
    print(f"KPIs refreshed in {time.monotonic() - start:.0f} s: {cells:,} values written")
    print("\n".join(headlines(env)))


if __name__ == "__main__":
    main(env)  # noqa: F821  (given by Odoo's shell)
