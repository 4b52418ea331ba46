# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_board
from . import crm_kpi_cost
from . import crm_kpi_opt_out
from . import mail_blacklist
from . import mailing_mailing
from . import mailing_subscription
from . import mailing_trace
from . import res_company
