# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI: Margins",
    "version": "19.0.1.0.0",
    "summary": "Gross margin of sales orders",
    "author": "crm_kpi contributors",
    "license": "LGPL-3",
    "development_status": "Beta",
    "category": "Sales/Sales",
    "depends": ["crm_kpi", "sale_margin"],
    "auto_install": True,
    "data": [
        "data/crm_kpi_data.xml",
        "data/crm_kpi_check_data.xml",
        "views/sale_order_views.xml",
    ],
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
