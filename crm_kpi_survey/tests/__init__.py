# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_answer_random
from . import test_backfill
from . import test_catalogue
from . import test_question
from . import test_rights
from . import test_send
