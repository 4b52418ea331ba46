# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_board
from . import test_catalogue
from . import test_opt_out
from . import test_tour
from . import test_trace_facts
