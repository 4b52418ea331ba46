# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_backfill
from . import account_move
from . import account_move_line
from . import crm_lead
from . import crm_lost_reason
from . import crm_stage
from . import product_product
from . import product_tag
from . import product_template
from . import sale_order
from . import sale_order_line
from . import utm_campaign
