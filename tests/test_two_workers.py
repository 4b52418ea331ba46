# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Two scheduled workers share the sources of a refresh: two processes of Odoo, one database."""
