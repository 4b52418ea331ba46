# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fixed texts of a workbook in the language of the reader."""


def fixed_texts(env):
    """Headers and labels by the names that the writers of sheets use."""
    return {
        "summary": env._("Summary"),
        "goals": env._("Goals"),
        "leaderboard": env._("Leaderboard"),
        "scorecard": env._("Scorecard"),
        "records_page": env._("Records"),
        "definitions": env._("Definitions"),
        "audit": env._("Audit"),
        "values": env._("Values"),
        "period": env._("Period"),
        "whole": env._("Value"),
        "team": env._("Sales team"),
        "user": env._("Salesperson"),
        "segment": env._("Segment"),
        "heat": env._("Salesperson by segment"),
        "category": env._("Category"),
        "kpi": env._("KPI"),
        "value": env._("Value"),
        "trend": env._("Trend"),
        "target": env._("Target"),
        "forecast": env._("Forecast"),
        "records": env._("Records"),
        "attainment": env._("Attainment"),
        "icon": env._("Icon"),
        "status": env._("Status"),
        "change": env._("Change"),
        "basis": env._("Compared with"),
        "counter": env._("Counter-metric"),
        "signal": env._("Signal"),
        "remark": env._("Remark"),
        "total": env._("Total"),
        "not_summable": env._("Total (the rows do not add up)"),
        "partial": env._("Total (includes rows that are not shown)"),
        "only_numbers": env._("Enter a number"),
        "chart_note": env._("the table below the chart holds the same numbers"),
    }


def unit_texts(env):
    """Units that stand behind a number."""
    return {"hours": env._("h"), "days": env._("days"), "months": env._("months")}


def selection_text(record, name):
    """The label of the value of a selection field."""
    return dict(record._fields[name]._description_selection(record.env)).get(record[name], "")
