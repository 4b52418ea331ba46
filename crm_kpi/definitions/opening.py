# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Actions that open what belongs to a KPI: its definition, its goals, its values."""


def open_definition(kpi):
    """The definition for reading, in a dialog."""
    kpi.check_access("read")
    return {
        "type": "ir.actions.act_window",
        "name": kpi.env._("Definition"),
        "res_model": kpi._name,
        "res_id": kpi.id,
        "view_mode": "form",
        "views": [(kpi.env.ref("crm_kpi.crm_kpi_view_form_definition").id, "form")],
        "target": "new",
    }


def open_goals(kpi):
    return {
        **_action(kpi, "crm_kpi.crm_kpi_goal_action"),
        "name": kpi.env._("Goals of %s", kpi.name),
        "context": {"default_kpi_id": kpi.id},
    }


def open_values(kpi):
    """The months of a KPI, most recent first."""
    return {
        **_action(kpi, "crm_kpi.crm_kpi_value_action"),
        "name": kpi.env._("Values of %s", kpi.name),
        "views": [(False, "list"), (False, "graph"), (False, "pivot"), (False, "form")],
        "search_view_id": [kpi.env.ref("crm_kpi.crm_kpi_value_view_search").id, "search"],
        "context": {
            "search_default_kind_month": 1,
            "search_default_last_12_months": 1,
            "search_default_level_company": 1,
        },
    }


def _action(kpi, name):
    action = kpi.env["ir.actions.act_window"]._for_xml_id(name)
    return {**action, "domain": [("kpi_id", "=", kpi.id)]}
