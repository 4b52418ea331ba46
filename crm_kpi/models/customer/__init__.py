# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_customer_history
from . import crm_kpi_customer_period
from . import crm_kpi_customer
from . import crm_kpi_profile_item
from . import crm_kpi_profile
