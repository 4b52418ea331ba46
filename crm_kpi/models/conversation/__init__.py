# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_interaction
from . import crm_kpi_response_mixin
from . import crm_kpi_ticket_mixin
from . import crm_kpi_ticket_facts
from . import crm_kpi_ticket_past
from . import crm_kpi_ticket_stage
from . import calendar_event
from . import mail_activity
from . import mail_message
