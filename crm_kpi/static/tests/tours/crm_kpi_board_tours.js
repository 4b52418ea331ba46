import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const card = ".o_kpi_card[data-code=test_board]";

function press(key) {
    return () => {
        const target = document.activeElement || document.body;
        target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        // what a browser does by itself
        if (key === "Enter" && target.matches("button")) {
            target.click();
        }
    };
}

tours.add("crm_kpi_board_rep", {
    steps: () => [
        {
            content: "The number, its goal and its status",
            trigger: `${card}:contains(Achieved):contains(≥ 4) .o_kpi_card_value:contains(5)`,
        },
        {
            content: "Of nothing there is no number",
            trigger:
                ".o_kpi_card[data-code=test_rate]:contains(Nothing) .o_kpi_card_value:contains(–)",
        },
        { trigger: card, run: press("ArrowRight") },
        { trigger: `${card} .o_kpi_card_open:focus`, run: press("d") },
        {
            trigger: `${card} .o_kpi_card_definition:contains(Leads that were made)`,
            run: press("Escape"),
        },
        { trigger: `${card} .o_kpi_card_value`, run: press("Enter") },
        {
            content: "The course of the number, with a table",
            trigger: ".o_kpi_detail summary",
            run: "click",
        },
        { trigger: ".o_kpi_detail td:contains(5)" },
        { trigger: ".o_kpi_detail .nav-link:contains(Why this number)", run: "click" },
        {
            content: "Of the five records that are in it",
            trigger: ".o_kpi_why tr:contains(In the number) td:contains(5)",
        },
        { trigger: ".o_kpi_detail .modal-footer .btn-primary", run: "click" },
        {
            content: "Another period, kept as a favorite",
            trigger: "body:not(.modal-open) [data-filter=kind]",
            run: "select quarter",
        },
        { trigger: ".o_kpi_period:contains(Q)" },
        { trigger: ".o_kpi_favorites", run: "click" },
        { trigger: ".o_kpi_favorites_menu input", run: "edit My quarter" },
        { trigger: ".o_kpi_favorites_menu button[type=submit]", run: "click" },
        {
            trigger: "body:not(:has(.o_kpi_favorites_menu)) [data-filter=kind]",
            run: "select month",
        },
        { trigger: ".o_kpi_period:not(:contains(Q))" },
        { trigger: ".o_kpi_favorites", run: "click" },
        { trigger: ".o_kpi_favorites_menu .dropdown-item:contains(My quarter)", run: "click" },
        {
            trigger: ".o_kpi_period:contains(Q)",
            run() {
                if (!location.search.includes("period_kind=quarter")) {
                    throw new Error(`The address does not keep the filters: ${location}`);
                }
            },
        },
    ],
});

tours.add("crm_kpi_board_manager", {
    steps: () => [
        { trigger: `${card} .o_kpi_card_value:contains(5)` },
        {
            content: "Salespeople side by side",
            trigger: ".o_kpi_card[data-code=test_people] .o_kpi_bars tr:contains(Ann):contains(3)",
        },
        { trigger: ".o_kpi_edit_button", run: "click" },
        {
            trigger: ".o_kpi_editor_bar input",
            run: "edit Board of the team",
        },
        {
            trigger: ".o_kpi_edit:nth-child(2) [aria-label=Earlier]",
            run: "click",
        },
        {
            trigger: ".o_kpi_edit:first-child:contains(Leads of people) .o_kpi_edit_size",
            run: "click",
        },
        {
            trigger: ".o_kpi_edit:contains(Rate of nothing) .o_kpi_edit_remove",
            run: "click",
        },
        { trigger: ".o_kpi_save", run: "click" },
        { trigger: ".o_kpi_switcher:contains(Board of the team)" },
        { trigger: ".o_kpi_card:first-child.o_kpi_card_wide:contains(Leads of people)" },
        { trigger: card, run: "click" },
        { trigger: ".o_kpi_detail .nav-link:contains(Salespeople)", run: "click" },
        {
            content: "From a salesperson to the numbers of hers",
            trigger: ".o_kpi_detail .o_kpi_bars button:contains(Ann)",
            run: "click",
        },
        { trigger: `body:not(.modal-open) ${card} .o_kpi_card_value:contains(3)` },
    ],
});

tours.add("crm_kpi_board_copy", {
    steps: () => [
        { trigger: `${card} .o_kpi_card_value` },
        { trigger: ".o_kpi_edit_button", run: "click" },
        { trigger: ".o_kpi_edit:contains(Rate of nothing) .o_kpi_edit_remove", run: "click" },
        { trigger: ".o_kpi_save", run: "click" },
        { trigger: ".o_kpi_grid:not(:contains(Rate of nothing)) .o_kpi_card" },
        { trigger: ".o_kpi_switcher", run: "click" },
        { trigger: ".o-dropdown--menu .dropdown-item:contains(Test board):contains(mine)" },
        { trigger: ".dropdown-item:contains(Back to the original)", run: "click" },
        { trigger: ".modal .btn-primary:contains(Back to the original)", run: "click" },
        { trigger: ".o_kpi_card:contains(Rate of nothing)" },
    ],
});

tours.add("crm_kpi_board_admin", {
    steps: () => [
        { trigger: `${card} .o_kpi_card_value:contains(5)` },
        { trigger: ".o_kpi_tv_button", run: "click" },
        { trigger: `.o_kpi_tv ${card}:not(:has(button)):contains(Achieved)` },
        { trigger: ".o_kpi_tv time:contains(:)" },
        { trigger: ".o_kpi_tv_close", run: "click" },
        { trigger: ".o_kpi_switcher" },
    ],
});

tours.add("crm_kpi_board_phone", {
    steps: () => [
        {
            content: "Nothing has to be pushed sideways but the filters",
            trigger: `${card} .o_kpi_card_value`,
            run() {
                const { scrollWidth, clientWidth } = document.querySelector(".o_content");
                if (scrollWidth > clientWidth + 1) {
                    throw new Error(`The board is ${scrollWidth} px wide on ${clientWidth} px`);
                }
            },
        },
        { trigger: card, run: "click" },
        { trigger: ".o_kpi_detail canvas" },
        { trigger: ".o_kpi_detail .modal-footer .btn-primary", run: "click" },
        { trigger: "body:not(.modal-open) .o_kpi_card" },
    ],
});
