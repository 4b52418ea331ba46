# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "CRM KPI: Helpdesk SLAs",
    "version": "19.0.1.0.0",
    "summary": "SLA success rate of tickets",
    "author": "crm_kpi contributors",
    "license": "AGPL-3",
    "development_status": "Beta",
    "category": "After-Sales",
    "depends": ["crm_kpi_helpdesk_mgmt", "helpdesk_mgmt_sla"],
    "auto_install": True,
    "data": [
        "data/crm_kpi_sla_data.xml",
        "data/crm_kpi_check_data.xml",
        "data/crm_kpi_board_data.xml",
        "views/helpdesk_ticket_sla_views.xml",
        "views/helpdesk_ticket_views.xml",
    ],
    "pre_init_hook": "pre_init_hook",
    "post_init_hook": "post_init_hook",
}
