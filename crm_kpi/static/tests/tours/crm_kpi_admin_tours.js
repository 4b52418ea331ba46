import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("crm_kpi_bulk", {
    steps: () => [
        {
            content: "All fifty at once",
            trigger: ".o_data_row:contains(Bulk 49)",
        },
        {
            trigger: "thead .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name=action_draft_selected]",
            run: "click",
        },
        {
            content: "One of them has a goal",
            trigger:
                ".o_notification:contains(49 KPIs are back to draft):contains(1 KPI was refused)",
        },
        {
            content: "The list shows it",
            trigger: ".o_data_row:contains(Bulk 49) .o_field_badge:contains(Draft)",
        },
        {
            trigger: ".o_notification_close",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Bulk 07) td[name=name]",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name=action_publish]",
            run: "click",
        },
        {
            content: "It says when it has values",
            trigger: ".o_form_view .alert:contains(First values)",
        },
        {
            trigger: ".o_form_view .alert button:contains(Compute now)",
            run: "click",
        },
        {
            trigger: ".o_form_view:not(:has(.alert button:contains(Compute now):visible))",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_original", {
    steps: () => [
        {
            trigger: ".o_form_view .badge:contains(Changed from the original)",
        },
        {
            trigger: ".o_notebook .nav-link:contains(Used in)",
            run: "click",
        },
        {
            content: "A formula that uses it",
            trigger: ".o_field_widget[name=used_in_formula_ids] .o_data_row",
        },
        {
            trigger: ".o_notebook .nav-link:contains(Computation status)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=original_text]:contains(Decimals)",
        },
        {
            trigger: ".o_form_view button[name=action_original]",
            run: "click",
        },
        {
            trigger: ".modal .btn-primary",
            run: "click",
        },
        {
            trigger: ".o_form_view .badge:contains(Shipped)",
        },
        {
            trigger: ".o_field_widget[name=original_text]:contains(As shipped)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_health", {
    steps: () => [
        {
            content: "What fails",
            trigger: ".o_kpi_health_failures tr:contains(Tour failure):contains(It is broken.)",
        },
        {
            content: "The last run",
            trigger: ".o_kpi_health_runs tr:contains(Finished):contains(3 of 3)",
        },
        {
            trigger: ".o_kpi_health_parts tr:contains(Tour source)",
        },
        {
            trigger: ".o_kpi_health_warnings:not(:contains(Counting))",
        },
        {
            trigger: ".o_kpi_refresh_now",
            run: "click",
        },
        {
            trigger: ".o_kpi_health_state:contains(starts within a minute)",
        },
        {
            content: "To the KPI",
            trigger: ".o_kpi_health_failures button:contains(Tour failure)",
            run: "click",
        },
        {
            trigger: ".o_form_view .alert:contains(It is broken.)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_areas", {
    steps: () => [
        {
            trigger: ".o_control_panel button:contains(Switch areas)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=sales] input",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=marketing] input",
            run: "click",
        },
        {
            content: "What would be switched off",
            trigger: ".modal .o_field_widget[name=off_ids] .o_tag:contains(Win rate)",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(KPIs are back to draft)",
        },
        {
            trigger: "body:not(:has(.modal)) .o_kanban_record:contains(Off)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_checks", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link:contains(Checks)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=check_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=name] input",
            run: "edit Ten deals",
        },
        {
            content: "Only the numbers are missing",
            trigger: ".modal .o_field_widget[name=component_values] textarea:value(/test_won =/)",
        },
        {
            trigger: ".modal .o_field_widget[name=component_values] textarea",
            run: "edit test_won = 6; test_closed = 10",
        },
        {
            trigger: ".modal .o_field_widget[name=expected] input",
            run: "edit 50",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_data_row:contains(Tour won 6)",
        },
        {
            trigger: ".o_form_view button[name=action_publish]",
            run: "click",
        },
        {
            content: "Why it is not published",
            trigger: ".modal:contains(the check “Ten deals” got 60):contains(instead of 50)",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) button[name=action_run_checks]",
            run: "click",
        },
        {
            trigger: ".o_form_view .alert:contains(1 check fails)",
        },
        {
            trigger: ".o_data_row .o_field_badge:contains(Failed)",
        },
        {
            trigger: ".o_data_row button[name=action_take_value]",
            run: "click",
        },
        {
            trigger: ".modal footer .btn-primary",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_data_row .o_field_badge:contains(Passed)",
        },
        {
            trigger: ".o_form_view button[name=action_publish]",
            run: "click",
        },
        {
            trigger: ".o_form_view .alert:contains(First values)",
        },
    ],
});
