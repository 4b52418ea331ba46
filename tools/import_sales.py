# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run import-sales FOLDER DB`` runs this file in Odoo's shell.

FOLDER holds the four files of the public data set "CRM Sales Opportunities": accounts.csv,
products.csv, sales_teams.csv and sales_pipeline.csv (8,800 opportunities of 30 agents with 85
accounts, October 2016 to December 2017). ``sales_import`` describes what they become.
"""

import os
import sys
import time

from tools.sales_files import ImportProblem
from tools.sales_import import import_sales

HEADLINES = ("deals_won", "deals_lost", "win_rate", "deals_won_amount", "sales_cycle_days_mean")


def headlines(env):
    """The main values of the data set as lines of text."""
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
        print("All records exist: nothing was changed.")
    start = time.monotonic()
    cells = env["crm.kpi"]._refresh()
    env.cr.commit()
    print(f"KPIs refreshed in {time.monotonic() - start:.0f} s: {cells:,} values written")
    print("\n".join(headlines(env)))


if __name__ == "__main__":
    main(env)  # noqa: F821  (given by Odoo's shell)
