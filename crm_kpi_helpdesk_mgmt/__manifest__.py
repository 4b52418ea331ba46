# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "CRM KPI: Helpdesk",
    "version": "19.0.1.0.0",
    "summary": "Service KPIs on the tickets of OCA's helpdesk_mgmt",
    "author": "crm_kpi contributors",
    "license": "AGPL-3",
    "development_status": "Beta",
    "category": "After-Sales",
    "depends": ["crm_kpi", "helpdesk_mgmt"],
    "auto_install": True,
    "data": [
        "security/crm_kpi_helpdesk_mgmt_groups.xml",
        "security/ir.model.access.csv",
        "security/crm_kpi_helpdesk_mgmt_rules.xml",
        "data/crm_kpi_source_data.xml",
        "data/crm_kpi_data.xml",
        "data/crm_kpi_cost_data.xml",
        "data/crm_kpi_board_data.xml",
        "wizard/crm_kpi_correct_views.xml",
        "views/crm_kpi_interaction_views.xml",
        "views/helpdesk_ticket_stage_views.xml",
        "views/helpdesk_ticket_team_views.xml",
        "views/helpdesk_ticket_views.xml",
        "views/res_config_settings_views.xml",
    ],
    "post_init_hook": "post_init_hook",
}
