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
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { trouble } from "../answer";
import { BoardEditor } from "../board_editor/board_editor";
import { BoardFavorites } from "../board_favorites/board_favorites";
import { BoardFilters } from "../board_filters/board_filters";
import { BoardTv } from "../board_tv/board_tv";
import { KeyboardHelp } from "../keyboard_help/keyboard_help";
import { KpiCard } from "../kpi_card/kpi_card";
import { KpiDetail } from "../kpi_detail/kpi_detail";
import { ShareBar } from "../share_bar/share_bar";
import { Trouble } from "../trouble/trouble";
import { neighbour } from "./neighbour";

/** Filters that the address keeps, so that a look can be sent to a colleague. */
const IN_ADDRESS = [
    "period_kind",
    "date",
    "date_to",
    "comparison",
    "company_id",
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
    static components = {
        BoardEditor,
        BoardFavorites,
        BoardFilters,
        BoardTv,
        Dropdown,
        DropdownItem,
        KpiCard,
        Layout,
        ShareBar,
        Trouble,
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
        this.keepLast = new KeepLast();
        this.display = { controlPanel: {} };
        this.content = useRef("content");
        const asked = { ...router.current, ...this.props.action.params };
        this.boardId = asked.board_id || false;
        this.wanted = pick(asked);
        this.state = useState({
            data: null,
            loadedAt: 0, // when the server last answered, in milliseconds
            waiting: false, // for what was asked for; not while what is shown is brought up to date
            error: "",
            editing: false,
            tv: Boolean(asked.tv),
        });
        onWillStart(() => {
            // not waited for: the frame of the board is there at once
            this.load(this.boardId);
        });
        const reload = () => this.reload();
        this.bus.subscribe("crm_kpi/refreshed", reload);
        const timer = browser.setInterval(reload, ASK_AGAIN * 1000);
        onWillUnmount(() => {
            this.bus.unsubscribe("crm_kpi/refreshed", reload);
            browser.clearInterval(timer);
        });
        useExternalListener(window, "keydown", (ev) => this.onKeydown(ev));
    }

    // --- DATA ---

    /** Show a board, with placeholders until it is there. */
    async load(boardId) {
        this.boardId = boardId;
        this.state.waiting = true;
        await this.read();
    }

    /** Ask again for what is shown, without a sign of it: scroll and focus stay. */
    async reload() {
        if (!this.state.editing) {
            await this.read();
        }
    }

    async read() {
        try {
            this.state.data = await this.keepLast.add(
                this.orm.silent.call("crm.kpi.board", "get_board", [this.boardId, this.wanted])
            );
            this.state.error = "";
            this.state.loadedAt = Date.now();
            this.boardId = this.state.data.board.id;
            this.keepInAddress();
        } catch (error) {
            this.state.error = trouble(error);
        }
        this.state.waiting = false;
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
            this.state.waiting = true;
            try {
                await this.orm.call("crm.kpi.board", "prepare_period", [this.boardId, this.wanted]);
            } finally {
                this.state.waiting = false;
            }
        }
        await this.load(this.boardId);
    }

    choose(boardId, wanted = {}) {
        this.wanted = pick(wanted);
        return this.load(boardId);
    }

    /** The next board on the wall. */
    next() {
        const { boards, board } = this.state.data;
        const index = boards.findIndex((other) => other.id === board.id);
        this.boardId = boards[(index + 1) % boards.length].id;
        return this.reload();
    }

    // --- CARDS ---

    open(card) {
        this.dialog.add(KpiDetail, {
            kpiId: card.kpi.id,
            filters: this.state.data.filters,
            title: card.kpi.name,
            onPick: (name, id) =>
                this.change({ [name]: id, ...(name === "user_id" ? { scope: "team" } : {}) }),
        });
    }

    /** Keys are for the board unless something is typed, or a window lies over it. */
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

    /** Arrow keys go from card to card, as the eye does; from anywhere else to the first one. */
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
        ]);
        this.state.editing = false;
        await this.load(boardId);
    }

    /** A board of the user's own, beside the one that is shown. */
    async duplicate() {
        const [boardId] = await this.orm.call("crm.kpi.board", "copy", [
            [this.boardId],
            {
                name: _t("%s (copy)", this.state.data.board.name),
                user_id: user.userId,
                origin_id: false,
                group_ids: [],
            },
        ]);
        await this.load(boardId);
        this.state.editing = true;
    }

    reset() {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Back to the original board"),
            body: _t("Your changes to this board are given up."),
            confirmLabel: _t("Back to the original"),
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

    /** The workbook of what is on the screen: the same board, filters and numbers. */
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

function pick(asked) {
    return Object.fromEntries(
        IN_ADDRESS.filter((name) => asked[name] !== undefined && asked[name] !== "").map((name) => [
            name,
            asked[name],
        ])
    );
}

registry.category("actions").add("crm_kpi.board", Board, { force: true });
