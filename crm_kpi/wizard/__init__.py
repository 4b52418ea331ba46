# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import base_partner_merge
from . import crm_kpi_alert_snooze
from . import crm_kpi_areas
from . import crm_kpi_choose
from . import crm_kpi_correct
from . import crm_kpi_definition_change
from . import crm_kpi_export_wizard
from . import crm_kpi_goal_import
from . import crm_kpi_goal_set
from . import crm_kpi_schedule
from . import crm_kpi_settings
