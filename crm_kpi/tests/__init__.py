# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_demo
from . import test_interaction
from . import test_interaction_random
from . import test_segment
from . import test_entry
from . import test_rights
