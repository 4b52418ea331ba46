# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from . import test_attention
from . import test_catalogue
from . import test_cost
from . import test_counts_in
from . import test_settings
from . import test_ticket_backfill
from . import test_ticket_backlog
from . import test_ticket_facts
from . import test_tour
