# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI",
    "version": "19.0.1.0.0",
    "summary": "KPIs and goals per rep and per customer segment for leads, sales and service",
    "author": "crm_kpi contributors, Odoo Community Association (OCA)",
    "website": "https://github.com/OCA/crm",
    "license": "LGPL-3",
    "category": "Sales/CRM",
    "application": True,
    "depends": ["sale_crm"],
    "data": [
        "security/crm_kpi_security.xml",
        "security/ir.model.access.csv",
        "security/crm_kpi_interaction_security.xml",
        "security/crm_kpi_entry_security.xml",
        "security/crm_kpi_segment_security.xml",
        "data/crm_kpi_category_data.xml",
        "data/crm_kpi_segment_data.xml",
        "views/crm_kpi_entry_views.xml",
        "views/crm_kpi_segment_views.xml",
    ],
    "demo": [],
    "pre_init_hook": "pre_init_hook",
    "post_init_hook": "post_init_hook",
    "assets": {},
}
