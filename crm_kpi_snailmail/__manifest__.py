# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI: Letters",
    "version": "19.0.1.0.0",
    "summary": "Letters sent by post",
    "author": "crm_kpi contributors",
    "license": "LGPL-3",
    "development_status": "Beta",
    "category": "Sales/CRM",
    "depends": ["crm_kpi", "snailmail"],
    "auto_install": True,
    "data": ["views/snailmail_letter_views.xml"],
    "post_init_hook": "post_init_hook",
}
