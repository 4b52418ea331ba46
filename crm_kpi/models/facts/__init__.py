# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_backfill
from . import crm_kpi_dirty
from . import crm_kpi_fact_mixin
from . import crm_lead
from . import crm_lead_prospecting
from . import crm_lost_reason
from . import crm_stage
from . import sale_order
from . import sale_order_customer
from . import sale_order_line
from . import crm_lead_deal
from . import product_tag
from . import sale_order_facts
from . import account_move
from . import account_move_line
from . import sale_order_campaign
from . import utm_campaign
