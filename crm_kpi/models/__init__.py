# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import derived
from . import conversation
from . import facts
from . import kpi
from . import pipeline
from . import period
from . import value
from . import goal
from . import segment
from . import customer
from . import cost
from . import board
from . import follow
from . import alert
from . import workbook
from . import crm_team
from . import digest_digest
from . import res_company
from . import res_partner
from . import res_users
