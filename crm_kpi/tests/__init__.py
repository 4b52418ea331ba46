# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_backfill
from . import test_catalogue
from . import test_cost
from . import test_correspondence
from . import test_cron
from . import test_customer
from . import test_choose
from . import test_customer_period
from . import test_demo
from . import test_engine
from . import test_entry
from . import test_finance
from . import test_goal
from . import test_goal_wizard
from . import test_interaction
from . import test_interaction_random
from . import test_kpi
from . import test_lead_stamps
from . import test_order_history
from . import test_library
from . import test_pace
from . import test_prospecting
from . import test_prospecting_random
from . import test_refresh
from . import test_rfm_segment
from . import test_rights
from . import test_segment
from . import test_source
from . import test_tour_roles
from . import test_traps
from . import test_value_card
from . import test_order_facts
from . import test_catalogue_customer
from . import test_catalogue_order
from . import test_order_random
