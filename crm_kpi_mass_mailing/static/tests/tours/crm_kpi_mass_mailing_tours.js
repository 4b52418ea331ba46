import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const costs = ".o_field_widget[name=kpi_cost_ids]";

registry.category("web_tour.tours").add("crm_kpi_marketer", {
    steps: () => [
        ...stepUtils.goToAppSteps("crm_kpi.crm_kpi_root_menu", "Open the KPIs"),
        {
            content: "The first board is that of marketing, with values",
            trigger: ".o_kpi_switcher:contains(Marketing)",
        },
        {
            trigger: ".o_kpi_card[data-code=mailings_sent] .o_kpi_card_value:contains(5)",
        },
        {
            content: "What to do next",
            trigger: ".o_kpi_attention_line:contains('1 goal needs attention')",
            run: "click",
        },
        {
            content: "The goal, and how far it is missed",
            trigger:
                ".o_kanban_record:contains(Mailings sent):contains(3 over the limit) .o_kpi_status:contains(Off track)",
        },
        ...stepUtils.goToAppSteps("mass_mailing.mass_mailing_menu_root", "Open the mailings"),
        {
            trigger: "a[data-menu-xmlid='mass_mailing.menu_email_campaigns']",
            run: "click",
        },
        {
            trigger: ".o_kanban_record:contains(Autumn fair)",
            run: "click",
        },
        {
            content: "The costs of the campaign",
            trigger: ".o_form_view .o_notebook .nav-link[name=kpi_costs]",
            run: "click",
        },
        {
            content: "Salaries are hidden, and so is the total with them",
            trigger: `.o_form_view:not(:contains(Salary)):not(:has([name=kpi_cost])) ${costs} .o_data_row:contains(Stand)`,
        },
        {
            trigger: `${costs} .o_field_x2many_list_row_add a`,
            run: "click",
        },
        {
            trigger: `${costs} .o_selected_row [name=name] input`,
            run: "edit Flyers",
        },
        {
            trigger: `${costs} .o_selected_row [name=amount] input`,
            run: "edit 150",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});
