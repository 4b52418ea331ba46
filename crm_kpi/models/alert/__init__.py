# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_alert
from . import crm_kpi_alert_case
from . import crm_kpi_alert_message
