# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The four files of the public data set "CRM Sales Opportunities", read and checked."""

import csv
import re
from datetime import datetime
from pathlib import Path

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
#: Typing errors of the files, by column. Other unknown values stop the import.
CORRECTIONS = {
    "product": {"GTXPro": "GTX Pro"},
    "sector": {"technolgy": "technology"},
    "office_location": {"Philipines": "Philippines", "Korea": "South Korea"},
}
STAGES = ("Prospecting", "Engaging", "Won", "Lost")


class ImportProblem(Exception):
    """An error in the files, with its place."""


def read_files(folder):
    """Rows of the four files, with the known typing errors corrected.

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
                {column: _corrected(column, row[column]) for column in columns} for row in reader
            ]
    _check(data)
    return data


def _corrected(column, value):
    value = (value or "").strip()
    return CORRECTIONS.get(column, {}).get(value, value)


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
        for column, required in (("engage_date", stage != "Prospecting"), ("close_date", closed)):
            try:
                row[column] = parse_day(row[column])
            except ValueError:
                problems.append(f"{where}: {column} {row[column]!r} is not a date M/D/YYYY")
                continue
            if required and not row[column]:
                problems.append(f"{where}: {column} is missing")
        try:
            row["close_value"] = float(row["close_value"]) if row["close_value"] else 0.0
        except ValueError:
            problems.append(f"{where}: close_value {row['close_value']!r} is not an amount")
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
    """The text as a part of an external identifier."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
