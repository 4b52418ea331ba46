import { Component, onWillStart, onWillUnmount, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { router } from "@web/core/browser/router";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { errorText } from "../answer";
import { BoardFilters } from "../board_filters/board_filters";
import { FILTERS, pickFilters } from "../filters";
import { KpiDetail } from "../kpi_detail/kpi_detail";
import { LoadError } from "../load_error/load_error";
import { ShareBar } from "../share_bar/share_bar";
import { ColumnPicker } from "./column_picker";
import { ScorecardCell } from "./scorecard_cell";

/** Seconds after which an open table reads its values again, if no message arrives. */
const RELOAD_INTERVAL = 300;
/** What the reader chose for the table, as the address keeps it. */
const ARRANGEMENT = ["rows", "sort", "reverse", "kpi_ids"];

/**
 * People, teams or segments in rows and KPIs in columns, read in one call.
 */
export class Scorecard extends Component {
    static template = "crm_kpi.Scorecard";
    static components = {
        BoardFilters,
        ColumnPicker,
        Dropdown,
        DropdownItem,
        Layout,
        LoadError,
        ScorecardCell,
        ShareBar,
    };
    static props = { ...standardActionServiceProps };
    static path = "scorecard";
    static displayName = _t("Scorecard");

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.bus = useService("bus_service");
        this.keepLast = new KeepLast();
        this.picker = useDropdownState();
        this.display = { controlPanel: {} };
        const params = { ...router.current, ...this.props.action.params };
        this.boardId = params.board_id || false;
        this.filters = pickFilters(params);
        this.arrangement = Object.fromEntries(
            ARRANGEMENT.filter((name) => params[name]).map((name) => [name, params[name]])
        );
        this.state = useState({ data: null, waiting: false, error: "" });
        const reload = () => this.read();
        onWillStart(() => {
            // not awaited, so that the frame of the table is shown at once
            this.load();
        });
        this.bus.subscribe("crm_kpi/refreshed", reload);
        const timer = browser.setInterval(reload, RELOAD_INTERVAL * 1000);
        onWillUnmount(() => {
            this.bus.unsubscribe("crm_kpi/refreshed", reload);
            browser.clearInterval(timer);
        });
    }

    // --- DATA ---

    async load() {
        this.state.waiting = true;
        await this.read();
        this.state.waiting = false;
    }

    async read() {
        try {
            this.state.data = await this.keepLast.add(
                this.orm.silent.call("crm.kpi.board", "get_scorecard", [
                    this.boardId,
                    this.filters,
                    this.arrangement,
                ])
            );
            this.state.error = "";
            this.keepInAddress();
        } catch (error) {
            this.state.error = errorText(error);
        }
    }

    keepInAddress() {
        const address = { board_id: this.boardId || undefined };
        for (const name of FILTERS) {
            address[name] =
                this.filters[name] === undefined
                    ? undefined
                    : this.state.data.filters[name] || undefined;
        }
        for (const name of ARRANGEMENT) {
            address[name] = this.arrangement[name] ? String(this.arrangement[name]) : undefined;
        }
        router.pushState(address);
    }

    /** Change some filters; rows that a filter takes the place of become salespeople. */
    async change(changes) {
        const former = this.filters;
        this.filters = { ...former, ...changes };
        const { rows } = this.arrangement;
        if (
            (rows === "team" && changes.scope && changes.scope !== "company") ||
            (rows === "segment" && changes.segment_id)
        ) {
            this.arrangement = { ...this.arrangement, rows: "user" };
        }
        try {
            await this.preparePeriod();
        } catch (error) {
            if (changes.date) {
                this.filters = former;
                throw error;
            }
            // the server says why it shows another period
        }
        await this.load();
    }

    /** Have the server compute custom days, which it keeps only while they are in use. */
    async preparePeriod() {
        const { period_kind, date, date_to } = this.filters;
        if (period_kind === "custom" && date && date_to) {
            await this.orm.silent.call("crm.kpi.board", "prepare_period", [
                this.state.data.board.id,
                this.filters,
                this.state.data.kpi_ids,
            ]);
        }
    }

    async arrange(changes) {
        this.arrangement = { ...this.arrangement, ...changes };
        await this.load();
    }

    // --- COLUMNS ---

    /** Show the KPIs of a board; without id those that the reader chose for themselves. */
    showBoard(boardId) {
        this.boardId = boardId;
        return this.arrange({ kpi_ids: undefined, sort: undefined, reverse: undefined });
    }

    showColumns(ids) {
        this.picker.close();
        return this.arrange({ kpi_ids: ids.join(",") });
    }

    get columnsText() {
        const { choice, board } = this.state.data;
        if (choice === "own") {
            return _t("My choice");
        }
        return choice === "columns" ? _t("Chosen KPIs") : board.name;
    }

    // --- ROWS ---

    get dimensions() {
        const { can_choose, options } = this.state.data;
        const dimensions = [["user", _t("Salespeople")]];
        if (can_choose.team) {
            dimensions.push(["team", _t("Teams")]);
        }
        if (options.segment_sets.length) {
            dimensions.push(["segment", _t("Segments")]);
        }
        return dimensions;
    }

    get rowsName() {
        return {
            user: _t("Salesperson"),
            team: _t("Team"),
            segment: _t("Segment"),
        }[this.state.data.arrangement.rows];
    }

    // --- ORDER ---

    /** Sort by a column; once more reverses the order. */
    sort(by) {
        const { sort, reverse } = this.state.data.arrangement;
        const name = String(by);
        this.arrange({ sort: name, reverse: sort === name && !reverse ? 1 : undefined });
    }

    /** "ascending", "descending" or undefined: the order of what a column shows. */
    order(by, bestFirst = "ascending") {
        const { sort, reverse } = this.state.data.arrangement;
        if (sort !== String(by)) {
            return undefined;
        }
        const other = bestFirst === "ascending" ? "descending" : "ascending";
        return reverse ? other : bestFirst;
    }

    orderOf(column) {
        return this.order(column.id, column.direction === "decrease" ? "ascending" : "descending");
    }

    arrow(order) {
        return { ascending: "▲", descending: "▼" }[order] || "";
    }

    // --- EXCEL ---

    /** Download a workbook of the same table, with all rows. */
    exportWorkbook() {
        const query = new URLSearchParams({
            ...(this.boardId ? { board_id: this.boardId } : {}),
            filters: JSON.stringify(this.state.data.filters),
            arrangement: JSON.stringify(this.arrangement),
        });
        this.action.doAction({
            type: "ir.actions.act_url",
            url: `/crm_kpi/export/scorecard?${query}`,
            target: "download",
        });
    }

    // --- CELLS ---

    open(row, column) {
        this.dialog.add(KpiDetail, {
            kpiId: column.id,
            filters: row.filters,
            title: _t("%(kpi)s: %(name)s", { kpi: column.name, name: row.name }),
            onPick: (name, id) =>
                this.change({ [name]: id, ...(name === "user_id" ? { scope: "team" } : {}) }),
        });
    }
}

registry.category("actions").add("crm_kpi.scorecard", Scorecard, { force: true });
