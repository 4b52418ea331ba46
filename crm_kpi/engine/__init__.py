# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The arithmetic of KPIs, free of models: calendars, formulas, the scan and the pace."""
