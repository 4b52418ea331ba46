# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import account_account
from . import crm_kpi_cost
from . import crm_kpi_cost_period
from . import crm_kpi_balance_period
