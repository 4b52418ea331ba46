# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Workbooks: plain data in, an Excel file out. Nothing here knows Odoo or its database."""
