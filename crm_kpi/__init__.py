# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import controllers
from . import models
from .hooks import post_init_hook, pre_init_hook, uninstall_hook
from . import wizard
