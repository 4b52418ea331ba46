# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from . import crm_kpi_correct
from . import crm_kpi_settings
