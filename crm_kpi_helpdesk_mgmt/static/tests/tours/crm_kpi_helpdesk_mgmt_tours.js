import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("crm_kpi_agent", {
    steps: () => [
        ...stepUtils.goToAppSteps("crm_kpi.crm_kpi_root_menu", "Open the KPIs"),
        {
            content: "The first board is the one of the service team, with values",
            trigger: ".o_kpi_switcher:contains(Service team)",
        },
        {
            trigger: ".o_kpi_card[data-code=ticket_backlog] .o_kpi_card_value:contains(2)",
        },
        {
            content: "What to do next",
            trigger:
                ".o_kpi_attention_line:contains('1 ticket is over the response target'):contains(the oldest since)",
            run: "click",
        },
        {
            content: "Only the own ticket that waits",
            trigger:
                ".o_list_view:not(:contains(Ticket of Bob)) .o_data_row:contains(Printer) td[name=name]",
            run: "click",
        },
        {
            content: "In which KPIs the ticket counts",
            trigger: ".o_form_view .o_notebook .nav-link[name=kpi]",
            run: "click",
        },
        {
            trigger: ".o_kpi_counts_in_included:contains(Ticket backlog)",
        },
        {
            content: "Answer the customer",
            trigger: ".o-mail-Chatter-sendMessage",
            run: "click",
        },
        {
            content: "The receivers are loaded, which draws the composer again",
            trigger: ".o-mail-RecipientsInput .o_tag",
        },
        {
            trigger: ".o-mail-Composer-input",
            run: "edit We are on our way.",
        },
        {
            trigger: ".o-mail-Composer-send:enabled",
            run: "click",
        },
        {
            content: "The message is stored, and not only shown",
            trigger: ".o-mail-Message[data-persistent]:contains(We are on our way.)",
        },
    ],
});
