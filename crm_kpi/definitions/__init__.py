# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What belongs to the definition of a KPI: its checks, its words, its warnings, its records."""
