# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Index of tests: the worked example of each KPI, and the test of each of sixty known pitfalls.

The numbers are those of docs/CATALOGUE.md: sixty KPIs, their variants with a letter, and sixty
pitfalls. Nothing here needs Odoo: data files are parsed as XML, tests as Python.
"""

import ast
import re
from functools import cache, lru_cache
from pathlib import Path

import pytest

from tools import kpi_table

pytestmark = pytest.mark.no_odoo

REPO = Path(__file__).resolve().parent.parent
CATALOGUE = REPO / "docs" / "CATALOGUE.md"
#: Folders that hold no files of the project.
EXCLUDED = {".git", ".odoo", "node_modules", ".venv"}

#: number, code, addon that ships it, test of its worked example
KPIS = """
1   new_leads                      crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_01_new_leads
2   customer_profiles_created      crm_kpi                      crm_kpi/tests/test_profile.py::TestProfileKpis::test_02_customer_profiles_created
2b  quality_profile_share          crm_kpi                      crm_kpi/tests/test_profile.py::TestProfileKpis::test_02_customer_profiles_created
3   outreach_volume                crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_03_outreach_volume
3a  letters_sent                   crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_03_outreach_volume
3b  brochures_sent                 crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_03_outreach_volume
3c  event_attendees                crm_kpi_event                crm_kpi_event/tests/test_catalogue.py::TestCatalogueEvent::test_03c_event_attendees
3d  calls_made                     crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_03_outreach_volume
3d  emails_sent                    crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_03_outreach_volume
3d  meetings_held                  crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_03_outreach_volume
3e  mailings_sent                  crm_kpi_mass_mailing         crm_kpi_mass_mailing/tests/test_catalogue.py::TestCatalogueMailing::test_03e_mailings_sent
4   new_customers                  crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_04_new_customers
4a  new_customers_per_rep          crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_04_new_customers
4b  high_value_acquisition_share   crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_04_new_customers
5   cac                            crm_kpi                      crm_kpi/tests/test_cost.py::TestCost::test_05_cac
5b  cost_per_lead                  crm_kpi                      crm_kpi/tests/test_cost.py::TestCost::test_05b_cost_per_lead
5c  cost_per_ticket                crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_cost.py::TestCostPerTicket::test_05c_cost_per_ticket
6   referral_rate                  crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_06_referral_rate
6b  referral_leads                 crm_kpi                      crm_kpi/tests/test_prospecting.py::TestReferrals::test_06b_referral_leads
7   lead_qualification_rate        crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_07_lead_qualification_rate
8   lead_conversion_rate           crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_08_lead_conversion_rate
8b  leads_per_win                  crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_08_lead_conversion_rate
9   win_rate                       crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_09_win_rate
9b  win_rate_value                 crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_09_win_rate
10  deals_won                      crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_10_deals_won
10b avg_deal_size                  crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_10_deals_won
10c deals_lost                     crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_09_win_rate
10d new_mrr                        crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_10_recurring_revenue
10e new_arr                        crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_10_recurring_revenue
11  quotations_sent                crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_11_quotations_sent
11b quote_acceptance_rate          crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_11_quotations_sent
11c quote_to_order_days            crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_11_quotations_sent
11d samples_sent                   crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_11d_samples_sent
12  sales_cycle_days               crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_12_sales_cycle
13  outreach_to_action_days        crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_13_outreach_to_action
13b action_rate                    crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_13_outreach_to_action
14  pipeline_value                 crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_14_pipeline
14b pipeline_weighted              crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_14_pipeline
14c pipeline_coverage              crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_14_pipeline
15  sales_velocity                 crm_kpi                      crm_kpi/tests/test_prospecting.py::TestVelocity::test_15_sales_velocity
16  pipeline_hygiene               crm_kpi                      crm_kpi/tests/test_prospecting.py::TestHygiene::test_16_pipeline_hygiene
16a stalled_rate                   crm_kpi                      crm_kpi/tests/test_prospecting.py::TestHygiene::test_16_pipeline_hygiene
16b overdue_rate                   crm_kpi                      crm_kpi/tests/test_prospecting.py::TestHygiene::test_16_pipeline_hygiene
16c unassigned_rate                crm_kpi                      crm_kpi/tests/test_prospecting.py::TestHygiene::test_16_pipeline_hygiene
16d no_next_step_rate              crm_kpi                      crm_kpi/tests/test_prospecting.py::TestHygiene::test_16_pipeline_hygiene
16e lost_without_reason_rate       crm_kpi                      crm_kpi/tests/test_prospecting.py::TestHygiene::test_16e_lost_without_reason
17  abandoned_cart_rate            crm_kpi_website_sale         crm_kpi_website_sale/tests/test_catalogue.py::TestCatalogueCarts::test_17_abandoned_cart_rate
17  abandoned_cart_rate_all        crm_kpi_website_sale         crm_kpi_website_sale/tests/test_catalogue.py::TestCatalogueCarts::test_17_abandoned_cart_rate
17b cart_recovery_rate             crm_kpi_website_sale         crm_kpi_website_sale/tests/test_catalogue.py::TestCatalogueCarts::test_17_abandoned_cart_rate
18  revenue_ordered                crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_18_revenue
18b revenue_growth                 crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_18_revenue
18c repeat_revenue_share           crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_18_revenue
19  revenue_invoiced_net           crm_kpi                      crm_kpi/tests/test_finance.py::TestInvoices::test_19_revenue_invoiced_net
19b refund_rate                    crm_kpi                      crm_kpi/tests/test_finance.py::TestInvoices::test_19_revenue_invoiced_net
20  average_order_value            crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_20_average_order_value
20b orders_count                   crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_20_average_order_value
21  items_per_order                crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_21_items_per_order
21b products_per_order             crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_21_items_per_order
22  arpu                           crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_22_arpu
22b arpu_base                      crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_22_arpu
23  cross_sell_rate                crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_23_cross_sell_rate
23  cross_sell_order_rate          crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_23_cross_sell_orders
23  cross_sell_revenue             crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_23_cross_sell_orders
24  upsell_rate                    crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_24_upsell_rate
24  upsell_order_rate              crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_24_upsell_orders
24  upsell_revenue                 crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_24_upsell_orders
24b expansion_customer_rate        crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_24b_expansion_customer_rate
24c renewal_upsell                 crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_24c_renewal_upsell
25  repeat_purchase_rate           crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_25_repeat_purchase
25b second_order_rate              crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_25_repeat_purchase
26  gross_margin                   crm_kpi_sale_margin          crm_kpi_sale_margin/tests/test_catalogue.py::TestCatalogueMargin::test_26_gross_margin
26  gross_margin_accounting        crm_kpi                      crm_kpi/tests/test_finance.py::TestBooks::test_26_gross_margin_accounting
26b gross_margin_pct               crm_kpi_sale_margin          crm_kpi_sale_margin/tests/test_catalogue.py::TestCatalogueMargin::test_26_gross_margin
26b gross_margin_accounting_pct    crm_kpi                      crm_kpi/tests/test_finance.py::TestBooks::test_26_gross_margin_accounting
27  discount_rate                  crm_kpi                      crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_27_discount_rate
28  active_customers               crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_28_to_30_retention_and_churn
29  retention_rate                 crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_28_to_30_retention_and_churn
30  churn_rate                     crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_28_to_30_retention_and_churn
30b contract_renewal_rate          crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_30b_contract_renewal_from_manual_entries
30c revenue_churn_rate             crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_28_to_30_retention_and_churn
31  net_revenue_retention          crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_31_net_revenue_retention
31b gross_revenue_retention        crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_31b_gross_revenue_retention
32  clv_historic                   crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_32_clv_historic
32b clv_total                      crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_32b_clv_total
33  clv_projected                  crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_33_clv_projected
33b clv_cac_ratio                  crm_kpi                      crm_kpi/tests/test_cost.py::TestCost::test_33b_clv_cac_ratio
34  at_risk_customers              crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_34_at_risk_customers
34b at_risk_revenue                crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_34b_at_risk_revenue
35  winback_rate                   crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_35_winback_rate
35b winback_discount               crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_35b_winback_discount
36  loyal_customer_tenure          crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_36_loyal_customer_tenure
36b top_customer_retention         crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_36b_top_customer_retention
37  tickets_resolved               crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_37_tickets_resolved
37b tickets_opened                 crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_37_tickets_resolved
37c tickets_per_agent              crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_37_tickets_resolved
38  ticket_backlog                 crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_38_ticket_backlog
38b backlog_age_days               crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_38_ticket_backlog
38c unassigned_tickets             crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_38c_unassigned_tickets
39  ticket_first_response_hours    crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_39_ticket_first_response
39b ticket_response_in_target_rate crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_39_ticket_first_response
39c reply_time_hours               crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_39c_reply_time
40  ticket_resolution_hours        crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_40_ticket_resolution
41  fcr_rate                       crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_41_first_contact_resolution
42  ticket_reopen_rate             crm_kpi_helpdesk_mgmt        crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_42_reopen_rate
43  sla_success_rate               crm_kpi_helpdesk_mgmt_sla    crm_kpi_helpdesk_mgmt_sla/tests/test_sla.py::TestSla::test_43_sla_success_rate
44  defect_rate                    crm_kpi                      crm_kpi/tests/test_finance.py::TestInvoices::test_44_defect_rate
45  csat_score                     crm_kpi_helpdesk_mgmt_rating crm_kpi_helpdesk_mgmt_rating/tests/test_rating.py::TestCatalogueRating::test_45_csat_score
45  csat_mean                      crm_kpi_helpdesk_mgmt_rating crm_kpi_helpdesk_mgmt_rating/tests/test_rating.py::TestCatalogueRating::test_45_csat_score
45  csat_survey_score              crm_kpi_survey               crm_kpi_survey/tests/test_catalogue.py::TestCatalogueSurvey::test_45_csat_survey_variant
45  csat_survey_mean               crm_kpi_survey               crm_kpi_survey/tests/test_catalogue.py::TestCatalogueSurvey::test_45_csat_survey_variant
46  nps                            crm_kpi_survey               crm_kpi_survey/tests/test_catalogue.py::TestCatalogueSurvey::test_46_nps
47  ces                            crm_kpi_survey               crm_kpi_survey/tests/test_catalogue.py::TestCatalogueSurvey::test_47_ces
47b ces_mean                       crm_kpi_survey               crm_kpi_survey/tests/test_catalogue.py::TestCatalogueSurvey::test_47_ces
48  survey_response_rate           crm_kpi_survey               crm_kpi_survey/tests/test_catalogue.py::TestCatalogueSurvey::test_48_survey_response_rate
48  rating_response_rate           crm_kpi_helpdesk_mgmt_rating crm_kpi_helpdesk_mgmt_rating/tests/test_rating.py::TestCatalogueRating::test_48_rating_response_rate
49  lead_first_response_hours      crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueEngagement::test_49_lead_first_response
49b lead_response_in_target_rate   crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueEngagement::test_49_lead_first_response
50  contact_attempts               crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueEngagement::test_50_and_52_contact_attempts
50b attempts_per_lead              crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueEngagement::test_50_and_52_contact_attempts
51  prospect_response_rate         crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_51_prospect_response_rate
51b meeting_rate                   crm_kpi                      crm_kpi/tests/test_prospecting.py::TestOutreach::test_51_prospect_response_rate
52  unresponsive_prospects         crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueEngagement::test_50_and_52_contact_attempts
52b unresponsive_rate              crm_kpi                      crm_kpi/tests/test_catalogue.py::TestCatalogueEngagement::test_50_and_52_contact_attempts
53  campaign_response_rate         crm_kpi_mass_mailing         crm_kpi_mass_mailing/tests/test_catalogue.py::TestCatalogueMailing::test_53_campaign_response_rate
53b campaign_orders                crm_kpi                      crm_kpi/tests/test_cost.py::TestCampaign::test_53b_campaign_orders
53b campaign_orders_new            crm_kpi                      crm_kpi/tests/test_cost.py::TestCampaign::test_53b_campaign_orders
53b campaign_orders_existing       crm_kpi                      crm_kpi/tests/test_cost.py::TestCampaign::test_53b_campaign_orders
54  unsubscribe_rate               crm_kpi_mass_mailing         crm_kpi_mass_mailing/tests/test_catalogue.py::TestCatalogueMailing::test_54_unsubscribe_rate
54b blocked_rate                   crm_kpi_mass_mailing         crm_kpi_mass_mailing/tests/test_catalogue.py::TestCatalogueMailing::test_54_unsubscribe_rate
54c bounce_rate                    crm_kpi_mass_mailing         crm_kpi_mass_mailing/tests/test_catalogue.py::TestCatalogueMailing::test_54c_bounce_rate
55  days_since_last_interaction    crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_55_days_since_last_interaction
55b contact_coverage_rate          crm_kpi                      crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_55b_contact_coverage_rate
56  campaign_roi                   crm_kpi                      crm_kpi/tests/test_cost.py::TestCampaign::test_56_campaign_roi
56b campaign_cost_per_response     crm_kpi_mass_mailing         crm_kpi_mass_mailing/tests/test_catalogue.py::TestCatalogueMailing::test_56b_campaign_cost_per_response
57  expense_to_revenue             crm_kpi                      crm_kpi/tests/test_cost.py::TestCost::test_57_expense_to_revenue
57b cost_savings                   crm_kpi                      crm_kpi/tests/test_cost.py::TestCost::test_57_expense_to_revenue
58  net_profit                     crm_kpi                      crm_kpi/tests/test_finance.py::TestBooks::test_58_net_profit
58b current_ratio                  crm_kpi                      crm_kpi/tests/test_finance.py::TestBooks::test_58b_current_ratio
59  profile_completeness           crm_kpi                      crm_kpi/tests/test_profile.py::TestProfileKpis::test_59_profile_completeness
59b complete_profile_share         crm_kpi                      crm_kpi/tests/test_profile.py::TestProfileKpis::test_59_profile_completeness
60  duplicate_rate                 crm_kpi                      crm_kpi/tests/test_prospecting.py::TestDuplicates::test_60_duplicate_rate
"""

#: number, the rule that prevents the mistake, test
PITFALLS = """
1  | Lost leads are archived. Without them the win rate would be 100 %. | crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_09_win_rate
2  | Archived is not lost: archived spam does not count as lost. | crm_kpi/tests/test_lead_stamps.py::TestLeadStamps::test_archived_is_not_lost
3  | A probability of 100 outside a won stage is not a win. | crm_kpi/tests/test_lead_stamps.py::TestLeadStamps::test_probability_100_outside_a_won_stage_is_not_won
4  | date_closed changes with every archiving; the won stamp stays. | crm_kpi/tests/test_lead_stamps.py::TestLeadStamps::test_won_is_stamped_and_kept
5  | day_close is 0 for open leads and counts whole days from creation. | crm_kpi/tests/test_prospecting.py::TestVelocity::test_12_open_leads_have_no_duration
6  | date_open changes with every reassignment. | crm_kpi/tests/test_prospecting.py::TestProspectingPitfalls::test_reassignment_moves_no_date
7  | A merge deletes records and mixes histories; the stamps of the remaining lead stay. | crm_kpi/tests/test_lead_stamps.py::TestLeadStamps::test_merge_counts_and_keeps_the_stamps_of_the_head
8  | crm.lead.commercial_partner_id is not stored, and empty for a lead of the company itself. | crm_kpi/tests/test_prospecting.py::TestProspectingPitfalls::test_segment_of_a_lead_on_the_company_itself
9  | A second conversion changes date_conversion; the first conversion is stamped. | crm_kpi/tests/test_lead_stamps.py::TestLeadStamps::test_conversion_is_stamped_once
10 | Expected revenue is not the ordered amount. | crm_kpi/tests/test_lead_stamps.py::TestLeadStamps::test_deal_amount
11 | GREATEST(NULL, 0) is 0: unanswered leads must have no response time. | crm_kpi/tests/test_interaction.py::TestResponses::test_unanswered_is_null_in_the_database
12 | A float field reads NULL as 0: no value is not zero. | crm_kpi/tests/test_refresh.py::TestRefresh::test_no_value_is_not_zero
13 | A mean of rates is not a rate: formulas are computed from their components at every level. | crm_kpi/tests/test_refresh.py::TestRefresh::test_engine_equals_brute_force
14 | Distinct customers of salespeople do not add up to those of the company. | crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_22_arpu
15 | Unassigned and total are both NULL in a grouping set. | crm_kpi/tests/test_refresh.py::TestRefresh::test_unassigned_is_kept_apart
16 | Joins to lines and tags multiply amounts; integers divide to integers. | crm_kpi/tests/test_pitfalls.py::TestPitfalls::test_joins_multiply_nothing
17 | create_date has microseconds, messages have seconds: no negative response times. | crm_kpi/tests/test_interaction.py::TestResponses::test_same_second
18 | Records in the cache and late commits are not missed. | crm_kpi/tests/test_prospecting.py::TestProspectingPitfalls::test_what_waits_in_the_cache_is_counted
19 | Months begin at local midnight, with daylight saving time, and are half-open. | crm_kpi/tests/test_refresh.py::TestRefresh::test_month_is_local_and_half_open
20 | Confirmation overwrites date_order: sending has its own stamp. | crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_11_quotations_sent
21 | Amounts in foreign currency are divided by the rate of the order. | crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_27_currencies_and_locked_orders
22 | Amounts are untaxed. | crm_kpi/tests/test_finance.py::TestInvoices::test_19_revenue_invoiced_net
23 | There is no state "done"; locked orders count. | crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_27_currencies_and_locked_orders
24 | Draft invoices do not count; credit notes are subtracted once. | crm_kpi/tests/test_finance.py::TestInvoices::test_19_revenue_invoiced_net
25 | Delivery, discount, down payment, section and combo lines are not items; packs count their pieces. | crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_21_items_per_order
26 | Margins use the costs on the line at that time, not the product cost of today. | crm_kpi_sale_margin/tests/test_catalogue.py::TestCatalogueMargin::test_26_order_currency_and_costs_of_the_time
27 | The invoice status "upselling" is not upselling. | crm_kpi/tests/test_catalogue_order.py::TestCatalogueOrders::test_24_upsell_orders
28 | The creation log is not a first response. | crm_kpi/tests/test_interaction.py::TestResponses::test_what_is_no_response
29 | Notes, tracking and assignments are not answers; text messages and letters, posted as notes, are. | crm_kpi/tests/test_interaction.py::TestInteractionClasses::test_staff_sms_and_letter
30 | The first mail has the creation subtype, answers to notes are notes: all are incoming. | crm_kpi/tests/test_interaction.py::TestInteractionClasses::test_incoming
31 | Answers of archived employees stay answers. | crm_kpi/tests/test_interaction.py::TestInteractionClasses::test_archived_employee
32 | Messages of bots, templates and automatic answers do not count. | crm_kpi/tests/test_interaction.py::TestInteractionClasses::test_robots
33 | Tracking of a selection contains a translated label, and none at creation. | crm_kpi/tests/test_backfill.py::TestBackfill::test_state_labels_of_other_languages
34 | Calls are done activities, not rows of mail.activity; an "Email" activity and its mail are one. | crm_kpi/tests/test_interaction.py::TestInteractionClasses::test_activities
35 | Attempts are days and channels since the last answer; the last attempt needs time to be answered. | crm_kpi/tests/test_interaction.py::TestAttempts::test_grace
36 | closed_date of a ticket is overwritten, kept and lost; closing has its own stamps. | crm_kpi_helpdesk_mgmt/tests/test_ticket_facts.py::TestTicketStamps::test_closing_and_reopening
37 | Cancelled and rejected stages are closed but not resolved; duplicates and archived tickets are not backlog. | crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_38_ticket_backlog
38 | A ticket created during a call has no response time. | crm_kpi_helpdesk_mgmt/tests/test_ticket_facts.py::TestTicketExamples::test_example_39
39 | First contact resolution is known days later and only for resolved tickets. | crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_41_first_contact_resolution
40 | Overdue SLAs stay in progress, and SLAs without target stage are accomplished from the start. | crm_kpi_helpdesk_mgmt_sla/tests/test_sla.py::TestSla::test_43_sla_success_rate
41 | A median ignores unanswered records: they are counted apart, and missed in the rate. | crm_kpi_helpdesk_mgmt/tests/test_catalogue.py::TestCatalogueService::test_39_ticket_first_response
42 | Hours over nights and weekends are compared in working hours of the ticket's calendar. | crm_kpi_helpdesk_mgmt/tests/test_ticket_facts.py::TestTicketExamples::test_working_hours
43 | Requests are not ratings of 0, and the date of a rating is not its creation date. | crm_kpi_helpdesk_mgmt_rating/tests/test_rating.py::TestCatalogueRating::test_45_csat_score
44 | Satisfied means 4 or more: a 3 is not satisfied. | crm_kpi_helpdesk_mgmt_rating/tests/test_rating.py::TestCatalogueRating::test_45_csat_score
45 | Test entries and skipped answers are not detractors; other scales are refused. | crm_kpi_survey/tests/test_catalogue.py::TestCatalogueSurvey::test_46_nps
46 | The status of a mail is overwritten; opened, test, scanned and cancelled mails do not count. | crm_kpi_mass_mailing/tests/test_catalogue.py::TestCatalogueMailing::test_53_campaign_response_rate
47 | Subscribing again deletes an opt-out, and the blocklist contains bounced addresses. | crm_kpi_mass_mailing/tests/test_opt_out.py::TestOptOut::test_block_by_bounces
48 | Orders without campaign are shown as such and not divided among campaigns. | crm_kpi/tests/test_cost.py::TestCampaign::test_56_campaign_roi
49 | Contacts of a company are one customer; the own company and its staff are not customers. | crm_kpi/tests/test_order_history.py::TestOrderHistory::test_own_people_are_no_customers
50 | Free orders do not make a customer; a cancelled first order renumbers the others. | crm_kpi/tests/test_order_history.py::TestOrderHistory::test_example_new_customers
51 | Churn divides by the customers at the start, and is known at the end of the period. | crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_28_to_30_retention_and_churn
52 | Churn by segment uses the segment at the start of the period. | crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_30_churn_by_segment_at_the_start
53 | After a migration all customers look new: for twelve months there is no value for new customers. | crm_kpi/tests/test_pitfalls.py::TestPitfalls::test_everybody_is_new_after_a_migration
54 | A customer with one order has no gap: the gap of the company applies, or there is no value. | crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_34_nothing_to_go_by
55 | The retention of a year is used with the margin of a year, by segment, and is called an estimate. | crm_kpi/tests/test_catalogue_customer.py::TestCatalogueCustomers::test_33_clv_projected
56 | No new customers or no known costs is not a cost of 0; costs come from entries or accounts. | crm_kpi/tests/test_cost.py::TestCost::test_05_accounts
57 | Carts count as abandoned by their start; recovered and paid carts are known at any time. | crm_kpi_website_sale/tests/test_catalogue.py::TestCatalogueCarts::test_17_abandoned_cart_rate
58 | Changed categories and prices do not change the history; lines of one order do not affect each other. | crm_kpi/tests/test_order_history.py::TestOrderHistory::test_moved_category_does_not_rewrite_history
59 | A customer of two companies is new in each, and one company knows nothing of the other. | crm_kpi/tests/test_companies.py::TestCompanies::test_values
60 | Credit stays with the salesperson who earned it; records without salesperson are kept apart. | crm_kpi/tests/test_catalogue.py::TestCatalogueSales::test_09_win_rate
"""


def _kpis():
    return [tuple(line.split()) for line in KPIS.strip().splitlines()]


def _pitfalls():
    rows = [line.split(" | ") for line in PITFALLS.strip().splitlines()]
    return [(int(number), sentence.strip(), test.strip()) for number, sentence, test in rows]


@lru_cache(maxsize=1)
def _shipped():
    return kpi_table.shipped(REPO)


@cache
def _tests_of(file):
    """The tests of a file as ``Class::test``."""
    tree = ast.parse((REPO / file).read_text())
    return {
        f"{node.name}::{function.name}"
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for function in node.body
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_")
    }


def _headings(text):
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def _anchor(title):
    """The link of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


@cache
def _entries():
    """The entries of the catalogue by number of the KPI."""
    parts = re.split(r"^#### (\d+)\. ", CATALOGUE.read_text(), flags=re.MULTILINE)
    # an entry ends with the next heading of any level
    return {
        int(number): re.split(r"^#", text, flags=re.MULTILINE)[0]
        for number, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def _missing(tests):
    """The tests that do not exist."""
    result = []
    for test in tests:
        file, _colons, name = test.partition("::")
        if not (REPO / file).is_file() or name not in _tests_of(file):
            result.append(test)
    return result


def test_every_number_has_its_kpis():
    numbers = {int(number.rstrip("abcde")) for number, *_rest in _kpis()}
    assert sorted(numbers) == list(range(1, 61))
    codes = [code for _number, code, _addon, _test in _kpis()]
    assert len(codes) == len(set(codes))


def test_every_kpi_of_the_catalogue_is_shipped():
    data = _shipped()
    shipped_by = {code: data.kpis[code].addon for code in data.kpis}
    assert not [row for row in _kpis() if shipped_by.get(row[1]) != row[2]]


def test_every_kpi_has_its_worked_example():
    assert not _missing(test for *_rest, test in _kpis())


def test_every_pitfall_has_its_test():
    assert [number for number, _sentence, _test in _pitfalls()] == list(range(1, 61))
    assert not _missing(test for *_rest, test in _pitfalls())


def test_every_kpi_has_its_entry_in_the_catalogue():
    """An entry names the codes with their numbers and, somewhere, their counter-metrics."""
    data, entries = _shipped(), _entries()
    assert list(entries) == list(range(1, 61))
    missing = []
    for number, code, *_rest in _kpis():
        # the lines of the page are wrapped
        entry = " ".join(entries[int(number.rstrip("abcde"))].split())
        if f"**{number}** `{code}`" not in entry:
            missing.append(f"{number} {code}")
        counter = data.kpis[code].counter
        if counter and f"`{counter}`" not in entry:
            missing.append(f"{number} {code}: counter-metric {counter}")
    assert not missing


def test_every_entry_of_the_catalogue_is_complete():
    parts = (
        "Definition",
        "Source and date",
        "Credit",
        "Special cases",
        "Example",
        "Counter-metric",
    )
    incomplete = [
        (number, part)
        for number, entry in _entries().items()
        for part in parts
        if f"\n- {part}" not in entry
    ]
    assert not incomplete


def test_every_shown_kpi_is_in_the_catalogue():
    text = CATALOGUE.read_text()
    shown = [code for code, kpi in _shipped().kpis.items() if not kpi.is_component]
    assert not [code for code in shown if f"`{code}`" not in text]


def test_every_pitfall_is_in_the_catalogue():
    section = CATALOGUE.read_text().split("\n## Pitfalls\n")[1].split("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. \S", section, re.MULTILINE)]
    assert numbers == [number for number, _sentence, _test in _pitfalls()]


def test_fields_of_the_catalogue_exist():
    code = "\n".join(file.read_text() for file in REPO.glob("crm_kpi*/models/**/*.py"))
    defined = set(re.findall(r"^    (\w+) = (?:fields\.|NullableFloat\()", code, re.MULTILINE))
    named = set(re.findall(r"`((?:kpi|rfm|ltv)_\w+)`", CATALOGUE.read_text()))
    assert named
    assert named <= defined


def test_links_to_the_catalogue():
    """Headings are unique, and links lead to one of them, from other files as well."""
    anchors = [_anchor(title) for title in _headings(CATALOGUE.read_text())]
    assert len(anchors) == len(set(anchors))
    links = set(re.findall(r"\]\(#([\w-]+)\)", CATALOGUE.read_text()))
    for pattern in ("*.md", "*.py", "*.xml"):
        for file in REPO.rglob(pattern):
            if not EXCLUDED.intersection(file.relative_to(REPO).parts):
                links.update(re.findall(r"CATALOGUE\.md#([\w-]+)", file.read_text()))
    assert links <= set(anchors)


def test_shipped_kpis_say_what_they_are():
    """Every shown KPI has an explanation, a reference and a counter-metric."""
    data = _shipped()
    wanted = ("name", "description", "category_id", "metric_class", "direction", "unit", "state")
    lacking = {}
    for code, kpi in data.kpis.items():
        missing = [name for name in wanted if not getattr(kpi, name)]
        if kpi.category_id not in data.categories:
            missing.append("category_id")
        if not kpi.is_component:
            missing += [] if kpi.reference else ["reference"]
            missing += [] if kpi.counter in data.kpis and kpi.counter != code else ["counter"]
        if missing:
            lacking[code] = missing
    assert not lacking


def test_formulas_name_shipped_kpis():
    data, engine = _shipped(), kpi_table.engine()
    for code, kpi in data.kpis.items():
        if kpi.kind == "formula":
            names = {n.id for n in ast.walk(ast.parse(kpi.formula)) if isinstance(n, ast.Name)}
            assert names <= {*data.kpis, *engine.FUNCTIONS, *engine.CONSTANTS}, code


def test_no_addon_names_what_may_be_absent():
    """A counter-metric belongs to the addon that sets it, or to an addon it depends on."""
    data = _shipped()
    for code, kpi in data.kpis.items():
        if kpi.counter:
            there = {kpi.paired_by, *kpi_table.manifests(REPO)[kpi.paired_by]["depends"]}
            assert {kpi.addon, data.kpis[kpi.counter].addon} <= there, code


def test_page_of_kpis_is_current():
    assert kpi_table.FILE.read_text() == kpi_table.page(_shipped()), "run ./run kpi-table"
