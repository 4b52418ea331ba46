# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI: Email Marketing",
    "version": "19.0.1.0.0",
    "summary": "Response, unsubscribe and bounce rates of mailings",
    "author": "crm_kpi contributors",
    "license": "LGPL-3",
    "development_status": "Beta",
    "category": "Marketing/Email Marketing",
    "depends": ["crm_kpi", "mass_mailing"],
    "auto_install": True,
    "data": [
        "security/crm_kpi_mass_mailing_groups.xml",
        "security/crm_kpi_mass_mailing_rules.xml",
        "security/ir.model.access.csv",
        "data/crm_kpi_source_data.xml",
        "data/crm_kpi_data.xml",
        "data/crm_kpi_check_data.xml",
        "data/crm_kpi_board_data.xml",
        "views/crm_kpi_opt_out_views.xml",
        "views/mailing_trace_views.xml",
        "wizard/crm_kpi_settings_views.xml",
    ],
    "assets": {"web.assets_tests": ["crm_kpi_mass_mailing/static/tests/tours/**/*"]},
    "post_init_hook": "post_init_hook",
}
