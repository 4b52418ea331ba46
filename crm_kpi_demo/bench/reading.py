# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A board of twelve cards, against pivots of Odoo over the same records."""

import statistics
import time

from odoo.fields import Command

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
    with meter.measure("pivots") as seconds:
        for model, domain, measure in PIVOTS:
            env.invalidate_all()
            date = "date" if model == "sale.report" else "create_date"
            records = env[model].with_user(people[1]).with_context(active_test=False)
            records._read_group(domain, [f"{date}:month", "user_id"], [measure])
    board = meter.figures["board.manager.cpu"] + meter.figures["board.manager.python"]
    both = seconds["cpu"] + seconds["python"]
    meter.note(**{"pivots.times": round(both / board, 1) if board else 0})
    env.cr.rollback()


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
