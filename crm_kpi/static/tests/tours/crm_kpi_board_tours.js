import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const card = ".o_kpi_card[data-code=test_board]";

function press(key) {
    return () => {
        const target = document.activeElement || document.body;
        target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        // a browser does this itself
        if (key === "Enter" && target.matches("button")) {
            target.click();
        }
    };
}

tours.add("crm_kpi_board_rep", {
    steps: () => [
        {
            content: "The value, its target and its status",
            trigger: `${card}:contains(Achieved):contains(≥ 4) .o_kpi_card_value:contains(5)`,
        },
        {
            content: "A KPI without a value",
            trigger: ".o_kpi_folded summary:contains(1 KPI has no data)",
        },
        { trigger: card, run: press("ArrowRight") },
        { trigger: `${card} .o_kpi_card_open:focus`, run: press("d") },
        {
            trigger: `${card} .o_kpi_card_definition:contains(Leads that were made)`,
            run: press("Escape"),
        },
        { trigger: `${card} .o_kpi_card_value`, run: press("Enter") },
        {
            content: "The trend, with a table",
            trigger: ".o_kpi_detail summary",
            run: "click",
        },
        { trigger: ".o_kpi_detail td:contains(5)" },
        { trigger: ".o_kpi_detail .nav-link:contains(Records)", run: "click" },
        {
            content: "Five included records",
            trigger: ".o_kpi_explanation tr[data-reason=included] td:contains(5)",
        },
        { trigger: ".o_kpi_detail .modal-footer .btn-primary", run: "click" },
        {
            content: "Another period, saved as a favorite",
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
                    throw new Error(`The address does not contain the filters: ${location}`);
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
            trigger: ".o_kpi_edit:nth-child(2) [aria-label='Move forward']",
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
            content: "Choose a salesperson",
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
        { trigger: ".o_kpi_board_content:not(:has(.o_kpi_folded)) .o_kpi_card" },
        { trigger: ".o_kpi_switcher", run: "click" },
        { trigger: ".o-dropdown--menu .dropdown-item:contains(Test board):contains(mine)" },
        { trigger: ".dropdown-item:contains(Restore the original)", run: "click" },
        { trigger: ".modal .btn-primary:contains(Restore the original)", run: "click" },
        { trigger: ".o_kpi_folded summary" },
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
            content: "Only the filters scroll sideways",
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
