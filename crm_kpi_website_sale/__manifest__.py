# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI: eCommerce",
    "version": "19.0.1.0.0",
    "summary": "Abandoned and recovered carts",
    "author": "crm_kpi contributors",
    "license": "LGPL-3",
    "development_status": "Beta",
    "category": "Website/Website",
    "depends": ["crm_kpi", "website_sale"],
    "auto_install": True,
    "data": [
        "data/crm_kpi_data.xml",
        "data/crm_kpi_check_data.xml",
        "data/crm_kpi_board_data.xml",
        "views/sale_order_views.xml",
    ],
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
