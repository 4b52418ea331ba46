# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
{
    "name": "CRM KPI: Demo",
    "version": "19.0.1.0.0",
    "summary": "A fictitious dealer with two years of leads, orders, tickets and mailings",
    "author": "crm_kpi contributors",
    "license": "AGPL-3",
    "development_status": "Beta",
    "category": "Hidden",
    "depends": ["crm_kpi"],
    "post_init_hook": "post_init_hook",
}
