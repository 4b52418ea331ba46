# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_category
from . import crm_kpi_computation
from . import crm_kpi_counted_record
from . import crm_kpi_period_rows
from . import crm_kpi_source
from . import crm_kpi_failure
from . import crm_kpi
from . import crm_kpi_check
from . import crm_kpi_recommendation
from . import crm_kpi_optional
from . import crm_kpi_library
from . import crm_kpi_run
from . import crm_kpi_health
from . import crm_kpi_tool
from . import mail_tracking_value
