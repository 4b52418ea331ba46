import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { _t } from "@web/core/l10n/translation";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { useSortable } from "@web/core/utils/sortable_owl";
import { KpiCard } from "../kpi_card/kpi_card";
import { KpiPicker } from "../kpi_picker/kpi_picker";

/** The defaults of the filters of a board, and their kinds of period. */
const DEFAULTS = ["period_kind", "starts_on", "comparison", "scope"];
/** Filters that say whose values a card shows. */
const PEOPLE = ["user_id", "team_id", "scope"];
const KINDS = ["day", "week", "month", "quarter", "year"];

/**
 * Edits a board: sections, and cards with their place, width, content and own filters. Nothing is
 * stored before the user saves.
 */
export class BoardEditor extends Component {
    static template = "crm_kpi.BoardEditor";
    static components = { Dropdown, KpiCard };
    static props = {
        data: Object,
        copy: { type: Boolean, optional: true },
        onSave: Function,
        onDiscard: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.grid = useRef("grid");
        this.lastKey = 0;
        const { board, cards } = this.props.data;
        this.state = useState({
            name: this.props.copy ? _t("%s (copy)", board.name) : board.name,
            defaults: { ...board.layout },
            items: cards.flatMap((card, index) => {
                const item = this.item(card);
                const begins = card.section !== (cards[index - 1]?.section || "");
                return begins ? [this.section(card.section), item] : [item];
            }),
        });
        onWillStart(async () => {
            const { filters, options } = this.props.data;
            // without the choices the filters of cards stay as they are
            this.choices = await this.orm
                .call("crm.kpi.board", "get_filter_choices", [board.id, filters])
                .catch(() => options);
            const manager = await user.hasGroup("crm_kpi.group_kpi_manager");
            this.mayShare = manager && !board.own && (this.props.copy || !board.can_edit);
        });
        useSortable({
            ref: this.grid,
            elements: ".o_kpi_edit",
            handle: ".o_kpi_edit_handle",
            ignore: "button, select, input",
            cursor: "grabbing",
            onDrop: ({ element, previous }) => this.drop(element, previous),
        });
    }

    // --- ITEMS: CARDS AND SECTIONS ---

    item(card) {
        this.lastKey += 1;
        return {
            key: `item_${this.lastKey}`,
            kpi_id: card.kpi.id,
            name: card.kpi.name,
            size: card.size || "1",
            display: card.display || "number",
            own: { ...card.own_filters },
            card,
        };
    }

    section(title) {
        this.lastKey += 1;
        return { key: `item_${this.lastKey}`, isSection: true, name: title };
    }

    index(key) {
        return this.state.items.findIndex((item) => item.key === key);
    }

    drop(element, previous) {
        const { items } = this.state;
        const [item] = items.splice(this.index(element.dataset.key), 1);
        items.splice(previous ? this.index(previous.dataset.key) + 1 : 0, 0, item);
    }

    move(item, step) {
        const { items } = this.state;
        const from = this.index(item.key);
        const to = Math.min(Math.max(from + step, 0), items.length - 1);
        items.splice(to, 0, ...items.splice(from, 1));
    }

    remove(item) {
        this.state.items.splice(this.index(item.key), 1);
    }

    addSection() {
        this.state.items.unshift(this.section(_t("New section")));
    }

    addKpis() {
        this.dialog.add(KpiPicker, {
            boardId: this.props.data.board.id,
            filters: this.props.data.filters,
            present: this.state.items.map((item) => item.kpi_id).filter(Boolean),
            onAdd: (cards) => this.state.items.push(...cards.map((card) => this.item(card))),
        });
    }

    // --- FILTERS OF A CARD ---

    get displays() {
        return [
            ["number", _t("Number")],
            ["trend", _t("Trend")],
            ["reps", _t("Salespeople")],
            ["segments", _t("Segments")],
        ];
    }

    get kinds() {
        return this.choices.kinds.filter(([kind]) => KINDS.includes(kind));
    }

    /** Whose values a card can show: `filter:value`. */
    get people() {
        const { teams, users } = this.choices;
        return [
            ["scope:mine", _t("My values")],
            ["scope:company", _t("Company")],
            ...teams.map((team) => [`team_id:${team.id}`, team.name]),
            ...users.map((person) => [`user_id:${person.id}`, person.name]),
        ];
    }

    peopleOf({ own }) {
        const name = PEOPLE.find((filter) => own[filter]);
        return name ? `${name}:${own[name]}` : "";
    }

    get segments() {
        return this.choices.segment_sets.flatMap((set) => set.segments);
    }

    setPeople(item, value) {
        const [name, chosen] = value.split(":");
        const own = { ...item.own };
        for (const filter of PEOPLE) {
            delete own[filter];
        }
        if (name) {
            own[name] = name === "scope" ? chosen : Number(chosen);
        }
        return this.setOwn(item, own);
    }

    setFilter(item, name, value) {
        const own = { ...item.own, [name]: value };
        if (!value) {
            delete own[name];
        }
        return this.setOwn(item, own);
    }

    /** Change the filters of a card, and show its value with them. */
    async setOwn(item, own) {
        item.own = own;
        const turn = (item.turn = (item.turn || 0) + 1);
        const { board, filters } = this.props.data;
        const [card] = await this.orm.call("crm.kpi.board", "preview_cards", [
            board.id,
            [this.values(item)],
            filters,
        ]);
        if (card && item.turn === turn) {
            // cards are told apart by their id
            item.card = { ...card, id: item.card.id };
        }
    }

    // --- SAVE ---

    values({ kpi_id, size, display, own }) {
        return { kpi_id, size, display, ...own };
    }

    save(shared) {
        let section = "";
        const cards = [];
        for (const item of this.state.items) {
            if (item.isSection) {
                section = item.name.trim();
            } else {
                cards.push({ ...this.values(item), section });
            }
        }
        const values = Object.fromEntries(
            DEFAULTS.map((name) => [name, this.state.defaults[name]]).filter(([, value]) => value)
        );
        const name = this.state.name.trim();
        return this.props.onSave(cards, name ? { name, ...values } : values, shared);
    }
}
