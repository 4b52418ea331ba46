import { Component, onWillStart, onWillUnmount, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { router } from "@web/core/browser/router";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useBus, useService } from "@web/core/utils/hooks";
import { useSortable } from "@web/core/utils/sortable_owl";
import { Layout } from "@web/search/layout";
import { SelectCreateDialog } from "@web/views/view_dialogs/select_create_dialog";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { BoardFilters } from "../board_filters/board_filters";
import { BoardTv } from "../board_tv/board_tv";
import { KpiCard } from "../kpi_card/kpi_card";
import { KpiDetail } from "../kpi_detail/kpi_detail";

/** Filters that the address keeps, so that a look can be sent to a colleague. */
const IN_ADDRESS = [
    "period_kind",
    "date",
    "date_to",
    "comparison",
    "scope",
    "team_id",
    "user_id",
    "segment_set_id",
    "segment_id",
];
/** Seconds after which an open board asks again, should no message arrive. */
const ASK_AGAIN = 300;

/**
 * The board: KPIs as cards, read in one call, changed by filters and kept up to date.
 */
export class Board extends Component {
    static template = "crm_kpi.Board";
    static components = { BoardFilters, BoardTv, Dropdown, DropdownItem, KpiCard, Layout };
    static props = { ...standardActionServiceProps };
    static path = "kpis";
    static displayName = _t("KPIs");

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.action = useService("action");
        this.notification = useService("notification");
        this.bus = useService("bus_service");
        this.ui = useService("ui");
        this.keepLast = new KeepLast();
        this.display = { controlPanel: {} };
        this.grid = useRef("grid");
        const asked = { ...router.current, ...this.props.action.params };
        this.wanted = {};
        for (const name of IN_ADDRESS) {
            if (asked[name] !== undefined && asked[name] !== "") {
                this.wanted[name] = asked[name];
            }
        }
        this.state = useState({
            data: null,
            loading: true,
            failed: false,
            cards: null, // while the board is rearranged
            tv: Boolean(asked.tv),
        });
        onWillStart(() => this.load(asked.board_id || false));
        this.refreshed = () => this.reload();
        this.bus.subscribe("crm_kpi/refreshed", this.refreshed);
        this.timer = browser.setInterval(this.refreshed, ASK_AGAIN * 1000);
        onWillUnmount(() => {
            this.bus.unsubscribe("crm_kpi/refreshed", this.refreshed);
            browser.clearInterval(this.timer);
        });
        useSortable({
            enable: () => Boolean(this.state.cards),
            ref: this.grid,
            elements: ".o_kpi_card",
            handle: ".o_kpi_card_handle",
            cursor: "grabbing",
            onDrop: ({ element, previous }) => this.drop(element, previous),
        });
        useBus(this.ui.bus, "resize", () => this.render());
    }

    // --- DATA ---

    async load(boardId) {
        this.state.loading = true;
        try {
            const data = await this.keepLast.add(
                this.orm.silent.call("crm.kpi.board", "get_board", [boardId, this.wanted])
            );
            this.state.data = data;
            this.state.failed = false;
        } catch (error) {
            this.state.failed = true;
            if (!this.state.data) {
                throw error;
            }
        } finally {
            this.state.loading = false;
        }
        this.keepInAddress();
    }

    /** Ask again for what is shown, unless it is being rearranged. */
    async reload() {
        if (this.state.data && !this.state.cards) {
            await this.load(this.state.data.board.id);
        }
    }

    keepInAddress() {
        const { board, filters } = this.state.data;
        const address = { board_id: board.id, tv: this.state.tv ? 1 : undefined };
        for (const name of IN_ADDRESS) {
            // what the board says by itself need not be said again
            const own = this.wanted[name] === undefined;
            address[name] = own ? undefined : filters[name] || undefined;
        }
        router.pushState(address);
    }

    async change(changes) {
        Object.assign(this.wanted, changes);
        const { period_kind, date, date_to } = this.wanted;
        if (period_kind === "custom" && date && date_to) {
            await this.orm.call("crm.kpi.board", "prepare_period", [
                this.state.data.board.id,
                this.wanted,
            ]);
        }
        await this.load(this.state.data.board.id);
    }

    choose(boardId) {
        this.wanted = {};
        this.state.cards = null;
        return this.load(boardId);
    }

    next() {
        const { boards, board } = this.state.data;
        const index = boards.findIndex((other) => other.id === board.id);
        return this.load(boards[(index + 1) % boards.length].id);
    }

    // --- CARDS ---

    /** The cards in the order of the board, while it is rearranged in the new one. */
    get cards() {
        return this.state.cards || this.state.data.cards;
    }

    open(card) {
        this.dialog.add(KpiDetail, {
            kpiId: card.kpi.id,
            filters: this.state.data.filters,
            title: card.kpi.name,
            onPick: (name, id) =>
                this.change({ [name]: id, ...(name === "user_id" ? { scope: "team" } : {}) }),
        });
    }

    /** Arrow keys go from card to card, as the eye does. */
    onKeydown(ev) {
        if (ev.key === "/" && !ev.target.closest("input, select, textarea")) {
            ev.preventDefault();
            this.grid.el.parentElement.querySelector(".o_kpi_filters select")?.focus();
            return;
        }
        const card = ev.target.closest(".o_kpi_card");
        const arrows = {
            ArrowRight: [1, 0],
            ArrowLeft: [-1, 0],
            ArrowDown: [0, 1],
            ArrowUp: [0, -1],
        };
        if (!card || ev.target !== card || !(ev.key in arrows)) {
            return;
        }
        ev.preventDefault();
        const [x, y] = arrows[ev.key];
        const rtl = getComputedStyle(card).direction === "rtl" ? -1 : 1;
        const cards = [...this.grid.el.querySelectorAll(".o_kpi_card")];
        if (x) {
            cards[cards.indexOf(card) + x * rtl]?.focus();
            return;
        }
        const here = card.getBoundingClientRect();
        const beyond = cards
            .map((other) => ({ other, box: other.getBoundingClientRect() }))
            .filter(({ box }) => (y > 0 ? box.top >= here.bottom - 1 : box.bottom <= here.top + 1))
            .map(({ other, box }) => ({
                other,
                away: Math.abs(box.top - here.top) * 10 + Math.abs(box.left - here.left),
            }));
        beyond.sort((a, b) => a.away - b.away);
        beyond[0]?.other.focus();
    }

    // --- LAYOUT ---

    edit() {
        this.state.cards = this.state.data.cards.map((card) => ({ ...card }));
    }

    discard() {
        this.state.cards = null;
    }

    drop(element, previous) {
        const cards = this.state.cards;
        const moved = cards.findIndex((card) => String(card.id) === element.dataset.id);
        const [card] = cards.splice(moved, 1);
        const after = previous
            ? cards.findIndex((other) => String(other.id) === previous.dataset.id) + 1
            : 0;
        cards.splice(after, 0, card);
    }

    move(card, step) {
        const cards = this.state.cards;
        const from = cards.findIndex((other) => other.id === card.id);
        const to = Math.min(Math.max(from + step, 0), cards.length - 1);
        cards.splice(to, 0, ...cards.splice(from, 1));
    }

    changeCard(card, values) {
        Object.assign(
            this.state.cards.find((other) => other.id === card.id),
            values
        );
    }

    remove(card) {
        this.state.cards = this.state.cards.filter((other) => other.id !== card.id);
    }

    addKpis() {
        const shown = this.state.cards.map((card) => card.kpi.id);
        this.dialog.add(SelectCreateDialog, {
            resModel: "crm.kpi",
            title: _t("KPIs for the board"),
            noCreate: true,
            multiSelect: true,
            domain: [
                ["state", "=", "published"],
                ["is_component", "=", false],
                ["id", "not in", shown],
            ],
            onSelected: (ids) =>
                this.save([...this.layout(), ...ids.map((id) => ({ kpi_id: id }))], true),
        });
    }

    layout() {
        return this.state.cards.map((card) => ({
            kpi_id: card.kpi.id,
            size: card.size,
            display: card.display,
        }));
    }

    async save(cards = this.layout(), goOn = false) {
        const boardId = await this.orm.call("crm.kpi.board", "save_layout", [
            [this.state.data.board.id],
            cards,
        ]);
        this.state.cards = null;
        await this.load(boardId);
        if (goOn) {
            this.edit();
        }
    }

    async reset() {
        const boardId = await this.orm.call("crm.kpi.board", "reset_board", [
            [this.state.data.board.id],
        ]);
        await this.choose(boardId);
    }

    // --- TV ---

    setTv(tv) {
        this.state.tv = tv;
        this.keepInAddress();
    }
}

registry.category("actions").add("crm_kpi.board", Board, { force: true });
