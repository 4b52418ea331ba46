# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_backfill
from . import crm_kpi_category
from . import crm_kpi_computation
from . import crm_kpi_demo
from . import crm_kpi_customer_period
from . import crm_kpi_dirty
from . import crm_kpi_fact_mixin
from . import crm_kpi_goal
from . import crm_kpi_period
from . import crm_kpi_period_pace
from . import crm_kpi_restatement
from . import crm_kpi_source
from . import crm_kpi
from . import crm_kpi_form
from . import crm_kpi_refresh
from . import crm_kpi_entry
from . import crm_kpi_segment
from . import crm_kpi_segment_member
from . import crm_kpi_segment_set
from . import crm_kpi_value
from . import crm_kpi_value_card
from . import crm_kpi_restatement_text
from . import crm_kpi_interaction
from . import crm_kpi_talk_mixin
from . import crm_lead
from . import crm_kpi_ticket_mixin
from . import crm_lead_interaction
from . import crm_lost_reason
from . import mail_message
from . import res_company
from . import res_partner
from . import sale_order
from . import res_config_settings
from . import sale_order_interaction
from . import sale_order_line
