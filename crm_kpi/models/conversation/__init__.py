# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_interaction_mixin
from . import crm_kpi_correspondence_mixin
from . import crm_kpi_response_mixin
from . import crm_kpi_interaction
from . import calendar_event
from . import mail_activity
from . import mail_activity_type
from . import mail_message
