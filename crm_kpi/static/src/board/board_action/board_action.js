import {
    Component,
    onWillStart,
    onWillUnmount,
    useExternalListener,
    useRef,
    useState,
} from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { router } from "@web/core/browser/router";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { errorText } from "../answer";
import { AttentionLines } from "../attention_lines/attention_lines";
import { BoardEditor } from "../board_editor/board_editor";
import { BoardFavorites } from "../board_favorites/board_favorites";
import { BoardFilters } from "../board_filters/board_filters";
import { BoardTv, SECONDS_PER_BOARD, SHORTEST_TURN } from "../board_tv/board_tv";
import { FILTERS, pickFilters } from "../filters";
import { FoldedCards } from "../folded_cards/folded_cards";
import { useFollow } from "../follow";
import { KeyboardHelp } from "../keyboard_help/keyboard_help";
import { KpiCard } from "../kpi_card/kpi_card";
import { KpiDetail } from "../kpi_detail/kpi_detail";
import { LoadError } from "../load_error/load_error";
import { withSections } from "../sections";
import { ShareBar } from "../share_bar/share_bar";
import { neighbour } from "./neighbour";

/** Seconds after which an open board reads its values again, if no message arrives. */
const RELOAD_INTERVAL = 300;

/**
 * The board: KPIs as cards, read in one call, filtered, and kept up to date.
 */
export class Board extends Component {
    static template = "crm_kpi.Board";
    static components = {
        AttentionLines,
        BoardEditor,
        BoardFavorites,
        BoardFilters,
        BoardTv,
        Dropdown,
        DropdownItem,
        FoldedCards,
        KpiCard,
        Layout,
        LoadError,
        ShareBar,
    };
    static props = { ...standardActionServiceProps };
    static path = "kpis";
    static displayName = _t("KPIs");

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.bus = useService("bus_service");
        this.ui = useService("ui");
        this.follow = useFollow();
        this.keepLast = new KeepLast();
        this.keepLastAttention = new KeepLast();
        this.display = { controlPanel: {} };
        this.content = useRef("content");
        const params = { ...router.current, ...this.props.action.params };
        this.boardId = params.board_id || false;
        this.kpiId = Number(params.kpi_id) || false; // whose details a link opens
        this.filters = pickFilters(params);
        this.state = useState({
            data: null,
            attention: [], // lines on top that lead to records
            loadedAt: 0, // time of the last answer of the server, in milliseconds
            waiting: false, // for another board or other filters, not during an update
            error: "",
            editing: false, // true, or "copy" for a board that is not stored yet
            tv: Boolean(params.tv),
            rotation: readRotation(params),
        });
        onWillStart(() => {
            // not awaited, so that the frame of the board is shown at once
            this.load(this.boardId);
        });
        const reload = () => this.reload();
        this.bus.subscribe("crm_kpi/refreshed", reload);
        const timer = browser.setInterval(reload, RELOAD_INTERVAL * 1000);
        onWillUnmount(() => {
            this.bus.unsubscribe("crm_kpi/refreshed", reload);
            browser.clearInterval(timer);
        });
        useExternalListener(window, "keydown", (ev) => this.onKeydown(ev));
    }

    // --- DATA ---

    /** Show a board; placeholders are shown until it is loaded. */
    async load(boardId) {
        this.boardId = boardId;
        this.state.waiting = true;
        await this.read();
    }

    /** Update what is shown without placeholders; scroll position and focus stay. */
    async reload() {
        if (!this.state.editing) {
            await this.read();
        }
    }

    async read() {
        try {
            this.state.data = await this.keepLast.add(
                this.orm.silent.call("crm.kpi.board", "get_board", [this.boardId, this.filters])
            );
            this.state.error = "";
            this.state.loadedAt = Date.now();
            if (!this.boardId && !Object.keys(this.filters).length) {
                this.filters = pickFilters(this.state.data.chosen); // of the default favorite
            }
            this.boardId = this.state.data.board.id;
            this.env.config.setDisplayName?.(this.state.data.board.title);
            this.keepInAddress();
            this.readAttention(); // not awaited: the figures are shown at once
            if (this.kpiId) {
                this.openDetail({ kpiId: this.kpiId, filters: this.state.data.filters });
                this.kpiId = false;
            }
        } catch (error) {
            this.state.error = errorText(error);
        }
        this.state.waiting = false;
    }

    async readAttention() {
        const { board, filters } = this.state.data;
        const call = this.orm.silent.call("crm.kpi.board", "get_attention", [board.id, filters]);
        // without the lines the board is still right
        this.state.attention = await this.keepLastAttention.add(call.catch(() => []));
    }

    keepInAddress() {
        const { board, filters } = this.state.data;
        const { tv, rotation } = this.state;
        const address = {
            board_id: board.id,
            kpi_id: undefined, // opened once
            tv: tv ? 1 : undefined,
            tv_boards: (tv && rotation.boards.join(",")) || undefined,
            tv_seconds: tv ? rotation.seconds : undefined,
        };
        for (const name of FILTERS) {
            // the defaults of the board are not repeated
            const isDefault = this.filters[name] === undefined;
            address[name] = isDefault ? undefined : filters[name] || undefined;
        }
        router.pushState(address);
    }

    /**
     * Change some filters. Where chosen days are refused, the board keeps the former ones and the
     * form of the days shows the error.
     */
    async change(changes) {
        const former = this.filters;
        this.filters = { ...former, ...changes };
        try {
            await this.preparePeriod();
        } catch (error) {
            if (changes.date) {
                this.filters = former;
                throw error;
            }
            // the board says why it shows another period
        }
        await this.load(this.boardId);
    }

    async choose(boardId, filters = {}) {
        this.boardId = boardId;
        this.filters = pickFilters(filters);
        // the board says why it shows another period where the days are refused
        await this.preparePeriod().catch(() => {});
        await this.load(boardId);
    }

    /** Have the server compute custom days, which it keeps only while they are in use. */
    async preparePeriod() {
        const { period_kind, date, date_to } = this.filters;
        if (period_kind !== "custom" || !date || !date_to) {
            return;
        }
        this.state.waiting = true;
        try {
            await this.orm.silent.call("crm.kpi.board", "prepare_period", [
                this.boardId,
                this.filters,
            ]);
        } finally {
            this.state.waiting = false;
        }
    }

    /** Show the next of the boards that were chosen for the wall. */
    next() {
        const { boards, board } = this.state.data;
        const chosen = this.state.rotation.boards;
        const start = boards.findIndex((other) => other.id === board.id);
        const others = [...boards.slice(start + 1), ...boards.slice(0, start + 1)];
        this.boardId = (others.find(({ id }) => chosen.includes(id)) || others[0]).id;
        return this.reload();
    }

    /** Choose the boards of the wall, and the seconds until the next one is shown. */
    rotate(rotation) {
        this.state.rotation = rotation;
        this.keepInAddress();
    }

    // --- CARDS ---

    get cards() {
        return withSections(this.state.data.cards.filter((card) => !card.folded));
    }

    /** Cards without a value, which are only named. */
    get folded() {
        return this.state.data.cards.filter((card) => card.folded);
    }

    /** Open the details; `tab` is the one to begin with. */
    open(card, tab) {
        this.openDetail({
            kpiId: card.kpi.id,
            filters: card.filters || this.state.data.filters,
            title: [card.kpi.name, card.filter_text].filter(Boolean).join(" · "),
            tab,
        });
    }

    openDetail(props) {
        this.dialog.add(KpiDetail, {
            ...props,
            onPick: (name, id) =>
                this.change({ [name]: id, ...(name === "user_id" ? { scope: "team" } : {}) }),
        });
    }

    /** Open the records of a line on top of the board. */
    async openAttention(key) {
        const action = await this.orm.call("crm.kpi.board", "open_attention", [
            this.state.data.board.id,
            key,
            this.state.data.filters,
        ]);
        this.action.doAction(action);
    }

    why(card) {
        this.open(card, "records");
    }

    /** Open the included records; of a rate, those of its numerator and denominator apart. */
    async openRecords(card) {
        if (!card.kpi.source) {
            return this.why(card);
        }
        const filters = card.filters || this.state.data.filters;
        const action = await this.orm.call("crm.kpi.board", "open_records", [card.kpi.id, filters]);
        return this.action.doAction(action);
    }

    /** Keys control the board unless the user types or a dialog is open. */
    onKeydown(ev) {
        if (
            ev.ctrlKey ||
            ev.altKey ||
            ev.metaKey ||
            this.state.tv ||
            this.ui.activeElement !== document ||
            ev.target.closest?.("input, select, textarea, [contenteditable], .o-dropdown--menu")
        ) {
            return;
        }
        if (ev.key === "?") {
            this.help();
        } else if (ev.key === "/") {
            this.content.el?.querySelector(".o_kpi_filters select")?.focus();
        } else if (ev.key.startsWith("Arrow")) {
            this.goToNeighbour(ev);
            return;
        } else {
            return;
        }
        ev.preventDefault();
    }

    /** Arrow keys move the focus from card to card; from elsewhere to the first card. */
    goToNeighbour(ev) {
        const names = [...(this.content.el?.querySelectorAll(".o_kpi_card_open") || [])];
        const here = names.indexOf(ev.target);
        if (here < 0 && ev.target !== document.body) {
            return;
        }
        const cards = names.map((name) => name.closest(".o_kpi_card").getBoundingClientRect());
        const there =
            here < 0 ? 0 : neighbour(cards, here, ev.key, localization.direction === "rtl");
        if (there !== undefined && names[there]) {
            ev.preventDefault();
            names[there].focus();
        }
    }

    help() {
        this.dialog.add(KeyboardHelp, {});
    }

    // --- LAYOUT ---

    async save(cards, values, shared) {
        const boardId = await this.orm.call("crm.kpi.board", "save_layout", [
            [this.boardId],
            cards,
            values,
            shared,
            this.state.editing === "copy",
        ]);
        this.state.editing = false;
        await this.load(boardId);
    }

    /** Follow the board by mail with its filters, or stop following it. */
    async toggleFollow() {
        const { board, filters } = this.state.data;
        board.followed = await this.follow(filters, { board_id: board.id });
    }

    /** Delete a board of the user, or, as a KPI manager, a shared one. */
    remove() {
        const { name, own } = this.state.data.board;
        this.dialog.add(ConfirmationDialog, {
            title: _t("Delete this board"),
            body: own
                ? _t("%s will be deleted. The KPIs and their values stay.", name)
                : _t("%s will be deleted for all users. The KPIs and their values stay.", name),
            confirmLabel: _t("Delete"),
            confirm: async () => {
                await this.orm.unlink("crm.kpi.board", [this.boardId]);
                await this.choose(false);
            },
            cancel: () => {},
        });
    }

    reset() {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Restore the original board"),
            body: _t("Your changes to this board will be lost."),
            confirmLabel: _t("Restore the original"),
            confirm: async () => {
                const boardId = await this.orm.call("crm.kpi.board", "reset_board", [
                    [this.boardId],
                ]);
                await this.choose(boardId);
            },
            cancel: () => {},
        });
    }

    // --- EXCEL ---

    /** Download a workbook of the same board with the same filters. */
    exportWorkbook() {
        const { board, filters } = this.state.data;
        const query = new URLSearchParams({
            board_id: board.id,
            filters: JSON.stringify(filters),
        });
        this.action.doAction({
            type: "ir.actions.act_url",
            url: `/crm_kpi/export/board?${query}`,
            target: "download",
        });
    }

    // --- TV ---

    setTv(tv) {
        this.state.tv = tv;
        this.keepInAddress();
    }
}

/** The boards and the speed of the wall in the address; no board means all boards. */
function readRotation(params) {
    const boards = String(params.tv_boards || "").split(",");
    return {
        boards: boards.map(Number).filter((id) => id > 0),
        seconds: Math.max(Number(params.tv_seconds) || SECONDS_PER_BOARD, SHORTEST_TURN),
    };
}

registry.category("actions").add("crm_kpi.board", Board, { force: true });
