# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI: Events",
    "version": "19.0.1.0.0",
    "summary": "Attendees of events and seminars",
    "author": "crm_kpi contributors",
    "license": "LGPL-3",
    "development_status": "Beta",
    "category": "Marketing/Events",
    "depends": ["crm_kpi", "event"],
    "auto_install": True,
    "data": [
        "data/crm_kpi_source_data.xml",
        "data/crm_kpi_data.xml",
        "data/crm_kpi_board_data.xml",
    ],
}
