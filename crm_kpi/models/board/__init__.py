# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import crm_kpi_board
from . import crm_kpi_annotation
from . import crm_kpi_board_card
from . import crm_kpi_dismissal
from . import ir_websocket
