# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI: Email Marketing",
    "version": "19.0.1.0.0",
    "summary": "Response, unsubscribe and bounce rates of mailings",
    "author": "crm_kpi contributors, Odoo Community Association (OCA)",
    "website": "https://github.com/OCA/crm",
    "license": "LGPL-3",
    "category": "Marketing/Email Marketing",
    "depends": ["crm_kpi", "mass_mailing"],
    "auto_install": True,
}
