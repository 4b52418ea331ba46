# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_demo
from . import crm_kpi_demo_people
from . import crm_kpi_demo_lead
from . import crm_kpi_demo_goal
from . import crm_kpi_demo_prospecting
from . import crm_kpi_demo_profile
from . import crm_kpi_demo_sale
from . import crm_kpi_demo_order
from . import crm_kpi_demo_cost
