# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "CRM KPI: Helpdesk Surveys",
    "version": "19.0.1.0.0",
    "summary": "Effort and satisfaction answers on the ticket they were sent for",
    "author": "crm_kpi contributors",
    "license": "AGPL-3",
    "development_status": "Beta",
    "category": "After-Sales",
    "depends": ["crm_kpi_helpdesk_mgmt", "crm_kpi_survey"],
    "auto_install": True,
    "data": [
        "data/crm_kpi_survey_data.xml",
        "views/helpdesk_ticket_stage_views.xml",
        "views/helpdesk_ticket_views.xml",
    ],
}
