# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM KPI: Surveys",
    "version": "19.0.1.0.0",
    "summary": "NPS, CES and CSAT from the answers of surveys",
    "author": "crm_kpi contributors",
    "license": "LGPL-3",
    "development_status": "Beta",
    "category": "Marketing/Surveys",
    "depends": ["crm_kpi", "survey"],
    "auto_install": True,
    "data": [
        "security/ir.model.access.csv",
        "security/crm_kpi_survey_rules.xml",
        "data/crm_kpi_survey_data.xml",
        "data/crm_kpi_check_data.xml",
        "data/survey_data.xml",
        "data/crm_kpi_board_data.xml",
        "views/crm_kpi_survey_answer_views.xml",
        "views/survey_question_views.xml",
        "views/survey_user_input_views.xml",
        "wizard/survey_invite_views.xml",
    ],
    "post_init_hook": "post_init_hook",
}
