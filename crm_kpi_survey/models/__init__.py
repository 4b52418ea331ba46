# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_backfill
from . import crm_kpi_source
from . import crm_kpi_survey_answer
from . import survey_question
from . import survey_survey
from . import survey_user_input
