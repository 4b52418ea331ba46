# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from . import crm_kpi_backfill
from . import crm_kpi_board
from . import crm_kpi_interaction
from . import crm_kpi_ticket_state
from . import crm_team
from . import helpdesk_ticket
from . import helpdesk_ticket_stage
from . import helpdesk_ticket_team
from . import res_company
