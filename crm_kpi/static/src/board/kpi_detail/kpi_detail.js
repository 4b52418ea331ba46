import { Component, onWillStart, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { Notebook } from "@web/core/notebook/notebook";
import { useService } from "@web/core/utils/hooks";
import { BarList } from "../bar_list/bar_list";
import { HeatMap } from "../heat_map/heat_map";
import { KpiChart } from "../kpi_chart/kpi_chart";
import { Leaderboard } from "../leaderboard/leaderboard";
import { StatusBadge } from "../status_badge/status_badge";

/**
 * Behind a card: its course, who and which segments made it, which records are in it and why
 * others are not, what it means, and its goal.
 */
export class KpiDetail extends Component {
    static template = "crm_kpi.KpiDetail";
    static components = {
        BarList,
        Dialog,
        HeatMap,
        KpiChart,
        Leaderboard,
        Notebook,
        StatusBadge,
    };
    static props = {
        kpiId: Number,
        filters: Object,
        title: String,
        onPick: Function,
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ detail: null, why: null });
        onWillStart(async () => {
            this.state.detail = await this.call("get_detail");
        });
    }

    call(method) {
        return this.orm.call("crm.kpi.board", method, [this.props.kpiId, this.props.filters]);
    }

    async onPage(page) {
        if (page === "why" && !this.state.why) {
            this.state.why = await this.call("get_why");
        }
    }

    async openRecords() {
        const action = await this.call("open_records");
        this.props.close();
        this.action.doAction(action);
    }

    openGoal() {
        const resId = this.state.detail.goal_id;
        this.props.close();
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "crm.kpi.goal",
            res_id: resId,
            views: [[false, "form"]],
        });
    }

    goTo(name, row) {
        this.props.close();
        this.props.onPick(name, row.record_id);
    }
}
