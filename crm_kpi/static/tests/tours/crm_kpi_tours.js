import { registry } from "@web/core/registry";

const card = ".o_kanban_record:contains(Tour leads)";
const row = ".o_kpi_scorecard tbody tr";

registry.category("web_tour.tours").add("crm_kpi_rep", {
    steps: () => [
        {
            content: "The card shows the value and the elapsed working days",
            trigger: `${card}:contains(working days) .o_crm_kpi_value:contains(3)`,
        },
        {
            content: "Values of others are not shown",
            trigger: ".o_kanban_renderer:not(:contains(Bob))",
        },
        {
            content: "Open the included records",
            trigger: card,
            run: "click",
        },
        {
            content: "Three records, with the name of the value",
            trigger: ".o_last_breadcrumb_item:contains(Tour leads · Ann)",
        },
        { trigger: ".o_pager_limit:contains(3)" },
        { trigger: ".o_data_row:nth-child(3)" },
        {
            trigger: ".o_back_button a, .breadcrumb-item a:contains(My KPIs)",
            run: "click",
        },
        {
            trigger: "button.o_list",
            run: "click",
        },
        {
            content: "The definition",
            trigger: ".o_data_row:contains(Tour leads) button[name=action_definition]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=definition]:contains(Test leads)",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_rep_phone", {
    steps: () => [
        {
            trigger: `${card} .o_crm_kpi_value:contains(3)`,
        },
        {
            content: "The page does not scroll sideways",
            trigger: card,
            run() {
                const { scrollWidth, clientWidth } = document.querySelector(".o_kanban_renderer");
                if (scrollWidth > clientWidth + 1) {
                    throw new Error(`The board is ${scrollWidth} px wide on ${clientWidth} px`);
                }
            },
        },
        {
            trigger: card,
            run: "click",
        },
        {
            trigger: ".o_kanban_record:contains(Tour lead), .o_data_row:contains(Tour lead)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_manager", {
    steps: () => [
        {
            trigger: "[data-scope=company]",
            run: "click",
        },
        {
            content: "Salespeople in rows",
            trigger: `${row}:contains(Ann) .o_kpi_cell_value:contains(3)`,
        },
        { trigger: `${row}:contains(Bob) .o_kpi_cell_value:contains(1)` },
        {
            trigger: `${row}:contains(Bob) .o_kpi_cell_value`,
            run: "click",
        },
        {
            content: "The details of that cell",
            trigger: ".modal-title:contains('Tour leads: Bob')",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) [data-rows=team]",
            run: "click",
        },
        { trigger: `${row}:contains(North) .o_kpi_cell_value:contains(4)` },
        {
            trigger: "button[data-menu-xmlid='crm_kpi.crm_kpi_goals_menu']",
            run: "click",
        },
        {
            trigger: "a[data-menu-xmlid='crm_kpi.crm_kpi_goal_set_menu']",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=kpi_id] input",
            run: "edit Tour leads",
        },
        {
            trigger: ".ui-autocomplete .dropdown-item:contains(Tour leads)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=member_team_ids] input",
            run: "edit North",
        },
        {
            trigger: ".ui-autocomplete .dropdown-item:contains(North)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=target] input",
            run: "edit 2",
        },
        {
            trigger: ".modal footer .btn-primary",
            run: "click",
        },
        {
            content: "The goals that were set are listed",
            trigger: ".o_kanban_record:contains(Ann)",
            run: "click",
        },
        {
            content: "Two leads are no 2.00 leads",
            trigger: ".o_form_view .o_field_widget[name=target] input",
            run() {
                if (this.anchor.value !== "2") {
                    throw new Error(`The target is shown as ${this.anchor.value}`);
                }
            },
        },
        {
            content: "The rows show the goals",
            trigger: "body:not(:has(.modal)) a[data-menu-xmlid='crm_kpi.crm_kpi_scorecard_menu']",
            run: "click",
        },
        {
            trigger: "[data-rows=user]",
            run: "click",
        },
        {
            trigger: `${row}:contains(Ann) .o_kpi_status:contains(Achieved)`,
        },
        {
            trigger: `${row}:contains(Bob) .o_kpi_cell[data-status]`,
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_admin", {
    steps: () => [
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Opportunities entered",
        },
        {
            trigger: ".o_field_widget[name=code] input",
            run: "edit opportunities_entered",
        },
        {
            trigger: ".o_field_widget[name=category_id] input",
            run: "edit Acquisition",
        },
        {
            trigger: ".ui-autocomplete .dropdown-item:contains(Acquisition)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=source_id] input",
            run: "edit Test leads",
        },
        {
            trigger: ".ui-autocomplete .dropdown-item:contains(Test leads)",
            run: "click",
        },
        {
            content: "The preview of what is not saved: a new month, and the month before",
            trigger: ".o_kpi_preview_period.o_kpi_preview_chosen b:contains(1)",
        },
        {
            content: "Only opportunities",
            trigger: ".o_field_widget[name=domain] a:contains(New Rule)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=domain] .o_model_field_selector",
            run: "click",
        },
        {
            trigger: ".o_model_field_selector_popover_search input",
            run: "edit Type",
        },
        {
            trigger: ".o_model_field_selector_popover_item[data-name=type] button",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=domain] .o_tree_editor_editor:last select",
            run: "selectByLabel Opportunity",
        },
        {
            content: "Before it is saved: the count beside the filter",
            trigger: ".o_kpi_filter_count:contains(, 5 in all)",
        },
        {
            content: "The record of last month",
            trigger: ".o_kpi_preview_records a:contains(Tour lead of last month)",
        },
        {
            content: "The values of this month",
            trigger: ".o_kpi_preview_period:contains(until now)",
            run: "click",
        },
        {
            trigger: ".o_kpi_preview_chosen b:contains(4)",
        },
        {
            content: "The record that the filter excludes",
            trigger: ".o_kpi_preview tr[data-reason=filter] button:contains(1)",
            run: "click",
        },
        {
            trigger: ".o_kpi_preview_records a:contains(Tour lead 4)",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
        {
            trigger: "button[name=action_publish]",
            run: "click",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Published)",
        },
    ],
});

/** The steps, if they have so many clicks or fewer. A field is clicked before it is typed into. */
function withClicks(most, steps) {
    const clicks = steps.filter((step) => step.run === "click").length;
    if (clicks > most) {
        throw new Error(`${clicks} clicks; ${most} have to be enough`);
    }
    return steps;
}

/** A new KPI with a name: the cursor is in the field already. */
const newKpi = (name) => [
    {
        trigger: ".o_list_button_add",
        run: "click",
    },
    {
        trigger: ".o_field_widget[name=name] input:focus",
        run: `edit ${name}`,
    },
];

registry.category("web_tour.tours").add("crm_kpi_benelux", {
    steps: () => {
        const filter = ".o_field_widget[name=domain]";
        const preview = withClicks(3, [
            ...newKpi("Quotations over 10,000 in Benelux"),
            {
                content: "Nothing is chosen yet",
                trigger: ".o_kpi_preview:contains(Choose a source)",
            },
            {
                trigger: ".o_field_widget[name=source_id] input",
                run: "click",
            },
            {
                trigger: ".o_field_widget[name=source_id] input",
                run: "edit Tour quotations",
            },
            {
                trigger: ".ui-autocomplete .dropdown-item:contains(Tour quotations)",
                run: "click",
            },
            {
                content: "All quotations of last month",
                trigger: ".o_kpi_preview_chosen b:contains(3)",
            },
        ]);
        return withClicks(10, [
            ...preview,
            {
                trigger: ".o_kpi_filter_rules button:contains(Untaxed Amount)",
                run: "click",
            },
            {
                trigger: ".o_kpi_filter_count:contains(, 3 in all)",
            },
            {
                trigger: `${filter} .o_tree_editor_condition input.o_input`,
                run: "click",
            },
            {
                trigger: `${filter} .o_tree_editor_condition input.o_input`,
                run: "edit 10000 && press Tab",
            },
            {
                trigger: ".o_kpi_preview_chosen b:contains(2)",
            },
            {
                trigger: ".o_kpi_filter_rules button:contains(Country Groups)",
                run: "click",
            },
            {
                trigger: `${filter} .o_multi_record_selector input`,
                run: "click",
            },
            {
                trigger: `${filter} .o_multi_record_selector input`,
                run: "edit Tour BeNeLux",
            },
            {
                trigger: ".ui-autocomplete .dropdown-item:contains(Tour BeNeLux)",
                run: "click",
            },
            {
                content: "One of them, before the KPI is saved",
                trigger: ".o_kpi_preview_chosen b:contains(1)",
            },
            {
                trigger: ".o_kpi_filter_count:contains(, 1 in all)",
            },
            {
                trigger: ".o_kpi_preview_records tbody tr:contains(Tour brewery):contains(12,000)",
            },
            {
                content: "The first save is not refused",
                trigger: ".o_form_button_save",
                run: "click",
            },
            {
                trigger: ".o_form_saved",
            },
        ]);
    },
});

registry.category("web_tour.tours").add("crm_kpi_ratio", {
    steps: () => {
        const formula = ".o_field_widget[name=formula] input";
        return withClicks(6, [
            ...newKpi("Tour ratio"),
            {
                trigger: ".o_field_widget[name=kind] input[data-value=formula]",
                run: "click",
            },
            {
                trigger: formula,
                run: "click",
            },
            {
                content: "By its name",
                trigger: formula,
                run: "edit Tour lea",
            },
            {
                trigger: ".o_kpi_formula_list li:contains(test_tour)",
                run: "click",
            },
            {
                content: "The formula in words",
                trigger: ".o_kpi_formula_answer:contains(= Tour leads)",
            },
            {
                trigger: formula,
                run: "edit test_tour ÷",
            },
            {
                trigger: ".o_kpi_formula_answer:contains(a KPI or a number is missing)",
            },
            {
                trigger: formula,
                run: "edit test_tour ÷ Tour clo",
            },
            {
                trigger: ".o_kpi_formula_list li:contains(test_closed)",
                run: "click",
            },
            {
                trigger: ".o_kpi_formula_answer:contains(= Tour leads ÷ Tour closed)",
            },
            {
                content: "The first save is not refused",
                trigger: ".o_form_button_save",
                run: "click",
            },
            {
                trigger: ".o_form_saved",
            },
        ]);
    },
});

const figure = ".o_kanban_record:contains(Tour figure)";

registry.category("web_tour.tours").add("crm_kpi_library", {
    steps: () => [
        {
            content: "KPIs by category",
            trigger: ".o_crm_kpi_library .o_kanban_group:contains(Conversion)",
        },
        {
            content: "A KPI whose app is missing says so",
            trigger: ".o_kanban_record:contains(Offered):contains(Not available: needs)",
        },
        {
            trigger: ".o_searchview_input",
            run: "edit Tour figure",
        },
        {
            trigger: ".o_searchview_autocomplete .o-dropdown-item:contains(Name)",
            run: "click",
        },
        {
            content: "Its description and its computation",
            trigger: `${figure}:contains(Only for the tour):contains(Count):contains(Test leads)`,
        },
        {
            content: "Deactivate it",
            trigger: `${figure} .o_boolean_toggle input:checked`,
            run: "click",
        },
        {
            trigger: `${figure} .o_boolean_toggle input:not(:checked)`,
        },
        {
            content: "The definition",
            trigger: figure,
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=definition]:contains(Test leads)",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_library_phone", {
    steps: () => [
        {
            content: "The page does not scroll sideways",
            trigger: ".o_kanban_record:contains(New leads)",
            run() {
                const { scrollWidth, clientWidth } = document.querySelector(".o_kanban_renderer");
                if (scrollWidth > clientWidth + 1) {
                    throw new Error(`The library is ${scrollWidth} px wide on ${clientWidth} px`);
                }
            },
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_choose", {
    steps: () => [
        {
            trigger: ".o_control_panel button:contains(Choose)",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains(Win rate)",
        },
        {
            content: "Another objective, another proposal",
            trigger: ".modal .o_radio_item:contains(Win new customers) input",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row:contains(New customers)",
        },
        {
            content: "One less",
            trigger: ".modal .o_data_row:last-child .o_boolean_toggle input:checked",
            run: "click",
        },
        {
            trigger: ".modal .o_data_row .o_boolean_toggle input:not(:checked)",
        },
        {
            trigger: ".modal button[name=action_choose]",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_searchview_facet:contains(My choice)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_no_values", {
    steps: () => [
        {
            content: "An empty grouped page shows its help",
            trigger: ".o_kanban_view .o_view_nocontent:contains('You have no values here')",
        },
    ],
});

const save = [
    {
        trigger: ".o_field_widget[name=maturity_days] input",
        run: "edit 2",
    },
    {
        trigger: ".o_form_button_save",
        run: "click",
    },
];

registry.category("web_tour.tours").add("crm_kpi_definition_change", {
    steps: () => [
        {
            trigger: ".o_data_row td:contains(Tour leads)",
            run: "click",
        },
        ...save,
        {
            content: "The dialog says what the change concerns; without an answer nothing is saved",
            trigger: ".modal .o_field_widget[name=kpi_names]:contains(Tour leads)",
        },
        {
            trigger: ".modal footer button:contains(Cancel)",
            run: "click",
        },
        {
            content: "The changes stay in the form",
            trigger: "body:not(:has(.modal)) .o_form_button_save",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=applies_to] label:contains(All history)",
            run: "click",
        },
        {
            trigger: ".modal footer button[name=action_apply]",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) .o_form_saved",
        },
        {
            content: "The form shows the new definition",
            trigger: ".o_notebook .nav-link[name=state]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=version]:contains(2)",
        },
        {
            trigger: ".o_notebook .nav-link[name=computation]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=maturity_days] input",
            run: "edit 3",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=applies_to] label:contains(A new KPI)",
            run: "click",
        },
        {
            trigger: ".modal footer button[name=action_apply]",
            run: "click",
        },
        {
            content: "The copy is open",
            trigger: "body:not(:has(.modal)) .o_last_breadcrumb_item:contains(copy)",
        },
        {
            trigger: ".o_form_saved .o_field_widget[name=name]",
        },
    ],
});
