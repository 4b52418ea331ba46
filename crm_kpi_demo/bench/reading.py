# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A board of twelve cards, against pivots of Odoo over the same records."""

import json
import statistics
import time
from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tools import file_open

RUNS = 15
#: Measures that Odoo's own analysis has for figures of the board: model, domain, aggregate.
PIVOTS = (
    ("sale.report", [("state", "=", "sale")], "price_subtotal:sum"),
    ("sale.report", [("state", "=", "sale")], "__count"),
    ("sale.report", [("state", "=", "sale")], "partner_id:count_distinct"),
    ("sale.report", [("state", "=", "sale")], "product_uom_qty:sum"),
    ("sale.report", [("state", "in", ["draft", "sent"])], "price_subtotal:sum"),
    ("sale.report", [("state", "=", "cancel")], "__count"),
    ("crm.lead", [], "__count"),
    ("crm.lead", [("won_status", "=", "won")], "__count"),
    ("crm.lead", [("won_status", "=", "lost")], "__count"),
    ("crm.lead", [("won_status", "=", "won")], "expected_revenue:sum"),
    ("crm.lead", [("won_status", "=", "pending")], "prorated_revenue:sum"),
    ("crm.lead", [("won_status", "=", "won")], "day_close:avg"),
)


def measure_reading(env, meter):
    """Server time of a board for a salesperson and a manager, then the pivots of a manager."""
    board = env.ref("crm_kpi.crm_kpi_board_sales").copy({"user_id": False})
    if len(board.card_ids) < 12:
        pipeline = env.ref("crm_kpi.crm_kpi_pipeline_weighted")
        board.card_ids = [Command.create({"kpi_id": pipeline.id})]
    people = env["res.users"].search([("login", "=like", "scale%")], order="id", limit=2)
    people[1].group_ids |= env.ref("sales_team.group_sale_manager")
    env.flush_all()
    env.cr.commit()
    for name, user in zip(("salesperson", "manager"), people, strict=True):
        reader = env["crm.kpi.board"].with_user(user)
        reader = reader.with_context(
            allowed_company_ids=user.company_id.ids, tz="Europe/Brussels", lang="en_US"
        )
        env.registry.clear_all_caches()
        env.invalidate_all()
        with meter.measure(f"board_cold.{name}"):
            shown = reader.get_board(board.id)
        meter.note(**{f"board.{name}.cards": len(shown["cards"])})
        _warm(env, meter, f"board.{name}", lambda reader=reader: reader.get_board(board.id))
    with meter.measure("pivots"):
        for model, domain, measure in PIVOTS:
            env.invalidate_all()
            date = "date" if model == "sale.report" else "create_date"
            records = env[model].with_user(people[1]).with_context(active_test=False)
            records._read_group(domain, [f"{date}:month", "user_id"], [measure])
    with meter.measure("dashboard"):
        for model, domain, groups, measures in dashboard(env):
            env.invalidate_all()
            env[model].with_user(people[1])._read_group(domain, groups, measures)
    env.cr.rollback()


def dashboard(env):
    """The queries of Odoo's spreadsheet dashboard of sales with its default filter, the last 90
    days: model, domain, groups and measures. Its two lists of ten orders are left out."""
    with file_open("spreadsheet_dashboard_sale/data/files/sales_dashboard.json") as file:
        content = json.load(file)
    first = fields.Date.today() - timedelta(days=90)
    queries = [
        (
            pivot["model"],
            pivot["domain"],
            [row["fieldName"] for row in pivot["rows"]],
            [measure["fieldName"] for measure in pivot["measures"]],
        )
        for pivot in content["pivots"].values()
    ]
    for sheet in content["sheets"]:
        for figure in sheet["figures"]:
            if chart := figure["data"].get("metaData"):
                domain = figure["data"]["searchParams"]["domain"]
                queries.append((chart["resModel"], domain, chart["groupBy"], [chart["measure"]]))
    for model, domain, groups, measures in queries:
        aggregates = [f"{name}:{env[model]._fields[name].aggregator}" for name in measures]
        yield model, [*domain, ("date", ">=", first)], groups, aggregates


def _warm(env, meter, name, read):
    """Means of several runs with warm caches of the registry, and the median of their wall time."""
    walls = []
    with meter.measure(name) as seconds:
        for _run in range(RUNS):
            env.invalidate_all()
            start = time.perf_counter()
            read()
            walls.append(time.perf_counter() - start)
    figures = {f"{name}.{key}": round(value / RUNS, 5) for key, value in seconds.items()}
    meter.note(**figures | {f"{name}.wall": round(statistics.median(walls), 5)})
