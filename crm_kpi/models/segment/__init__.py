# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_segment
from . import crm_kpi_segment_member
from . import crm_kpi_segment_set
from . import crm_kpi_segment_update
from . import crm_kpi_segment_wanted
from . import crm_kpi_segment_values
from . import crm_kpi_segment_past
from . import crm_kpi_segment_moved
from . import crm_kpi_segment_churn
