import { registry } from "@web/core/registry";

const field = (name) => `.o_field_widget[name=${name}]`;
/** Type into the list of a field, and choose what it finds. */
const choose = (name, label) => [
    {
        trigger: `${field(name)} .o_select_menu_input`,
        run: "click",
    },
    {
        trigger: `${field(name)} .o_select_menu_input`,
        run: `edit ${label}`,
    },
    {
        trigger: `.o_select_menu_item:contains(${label})`,
        run: "click",
    },
];

registry.category("web_tour.tours").add("crm_kpi_source_by_name", {
    steps: () => [
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: `${field("name")} input`,
            run: "edit Lines by delivery",
        },
        {
            trigger: `${field("code")} input`,
            run: "edit lines_by_delivery",
        },
        ...choose("model", "Sales Order Line"),
        {
            content: "The fields that fit are proposed by their labels",
            trigger: `${field("user_field")} input:value(Salesperson)`,
        },
        ...choose("date_field", "Delivery Date"),
        ...choose("country_field", "Other field"),
        {
            trigger: `${field("country_field")} .o_model_field_selector`,
            run: "click",
        },
        {
            trigger: ".o_model_field_selector_popover_search input",
            run: "edit Customer",
        },
        {
            trigger:
                ".o_model_field_selector_popover_item[data-name=order_partner_id] .o_model_field_selector_popover_relation_icon",
            run: "click",
        },
        {
            trigger: ".o_model_field_selector_popover_search input",
            run: "edit Country",
        },
        {
            trigger:
                ".o_model_field_selector_popover_item[data-name=country_id] .o_model_field_selector_popover_item_name",
            run: "click",
        },
        {
            content: "A path is shown in words",
            trigger: `${field("country_field")} input:value(/Country/)`,
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

registry.category("web_tour.tours").add("crm_kpi_segment_set", {
    steps: () => [
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: `${field("name")} input`,
            run: "edit Kinds of customers",
        },
        {
            content: "The first segment, before the set is saved",
            trigger: `${field("segment_ids")} .o_field_x2many_list_row_add a`,
            run: "click",
        },
        {
            trigger: `.modal ${field("name")} input`,
            run: "edit Companies",
        },
        {
            trigger: `.modal ${field("domain")} a:contains(New Rule)`,
            run: "click",
        },
        {
            trigger: `.modal ${field("domain")} .o_model_field_selector`,
            run: "click",
        },
        {
            trigger: ".o_model_field_selector_popover_search input",
            run: "edit Is a Company",
        },
        {
            trigger:
                ".o_model_field_selector_popover_item[data-name=is_company] .o_model_field_selector_popover_item_name",
            run: "click",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${field("segment_ids")} .o_data_row:contains(Companies)`,
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
        {
            trigger: "button[name=action_update_members]",
            run: "click",
        },
        {
            content: "Its customers",
            trigger: `${field("segment_ids")} .o_data_row:contains(Companies) button[name=action_open_members]`,
            run: "click",
        },
        {
            trigger: ".o_last_breadcrumb_item:contains(Customers of Companies)",
        },
        {
            trigger: ".o_data_row:contains(Tour company):contains(Today)",
        },
    ],
});

registry.category("web_tour.tours").add("crm_kpi_settings", {
    steps: () => [
        {
            content: "The fiscal year is shown",
            trigger: ".o_setting_box:contains(Fiscal year):contains(2)",
        },
        {
            trigger: `.o_setting_box ${field("kpi_min_cell")} input`,
            run: "edit 8 && press Tab",
        },
        {
            content: "What the value means, before it is saved",
            trigger: ".o_crm_kpi_example:contains(A percentage of 7 records is withheld)",
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
