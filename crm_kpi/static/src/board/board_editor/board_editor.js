import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { useSortable } from "@web/core/utils/sortable_owl";
import { SelectCreateDialog } from "@web/views/view_dialogs/select_create_dialog";
import { KpiCard } from "../kpi_card/kpi_card";

/**
 * Edits a board: moves cards by dragging or with buttons, changes their width, removes and adds
 * them. Nothing is stored before the user saves.
 */
export class BoardEditor extends Component {
    static template = "crm_kpi.BoardEditor";
    static components = { KpiCard };
    static props = { data: Object, onSave: Function, onDiscard: Function };

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.grid = useRef("grid");
        const { board, cards } = this.props.data;
        this.state = useState({
            name: board.name,
            cards: cards.map((card) => ({
                key: `card_${card.id}`,
                kpi_id: card.kpi.id,
                name: card.kpi.name,
                size: card.size,
                display: card.display,
                card,
            })),
        });
        onWillStart(async () => {
            const manager = await user.hasGroup("crm_kpi.group_kpi_manager");
            this.mayShare = manager && !board.own && !board.can_edit;
        });
        useSortable({
            ref: this.grid,
            elements: ".o_kpi_edit",
            handle: ".o_kpi_edit_handle",
            ignore: "button, select",
            cursor: "grabbing",
            onDrop: ({ element, previous }) => this.drop(element, previous),
        });
    }

    get displays() {
        return [
            ["number", _t("Number")],
            ["trend", _t("Trend")],
            ["reps", _t("Salespeople")],
            ["segments", _t("Segments")],
        ];
    }

    index(key) {
        return this.state.cards.findIndex((card) => card.key === key);
    }

    drop(element, previous) {
        const { cards } = this.state;
        const [card] = cards.splice(this.index(element.dataset.key), 1);
        cards.splice(previous ? this.index(previous.dataset.key) + 1 : 0, 0, card);
    }

    move(card, step) {
        const { cards } = this.state;
        const from = this.index(card.key);
        const to = Math.min(Math.max(from + step, 0), cards.length - 1);
        cards.splice(to, 0, ...cards.splice(from, 1));
    }

    remove(card) {
        this.state.cards.splice(this.index(card.key), 1);
    }

    add() {
        const { cards } = this.state;
        this.dialog.add(SelectCreateDialog, {
            resModel: "crm.kpi",
            title: _t("KPIs for the board"),
            noCreate: true,
            multiSelect: true,
            domain: [
                ["state", "=", "published"],
                ["is_component", "=", false],
                ["id", "not in", cards.map((card) => card.kpi_id)],
            ],
            onSelected: async (ids) => {
                const kpis = await this.orm.read("crm.kpi", ids, ["name"]);
                for (const { id, name } of kpis) {
                    cards.push({
                        key: `kpi_${id}`,
                        kpi_id: id,
                        name,
                        size: "1",
                        display: "number",
                    });
                }
            },
        });
    }

    save(shared) {
        const cards = this.state.cards.map(({ kpi_id, size, display }) => ({
            kpi_id,
            size,
            display,
        }));
        const name = this.state.name.trim();
        return this.props.onSave(cards, name ? { name } : {}, shared);
    }
}
