# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_goal
from . import crm_kpi_goal_check
from . import crm_kpi_goal_baseline
from . import crm_kpi_goal_refresh
from . import crm_kpi_goal_sheet
