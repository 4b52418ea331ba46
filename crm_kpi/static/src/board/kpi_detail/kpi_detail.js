import { Component, onWillStart } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { useService } from "@web/core/utils/hooks";
import { useAnswer } from "../answer";
import { BarList } from "../bar_list/bar_list";
import { BulletBar } from "../bullet_bar/bullet_bar";
import { HeatMap } from "../heat_map/heat_map";
import { KpiChart } from "../kpi_chart/kpi_chart";
import { Leaderboard } from "../leaderboard/leaderboard";
import { StatusBadge } from "../status_badge/status_badge";
import { Tabs } from "../tabs/tabs";
import { Trouble } from "../trouble/trouble";

/**
 * Behind a card: its course, who and which segments made it, which records are in it and why
 * others are not, what it means, and its goal.
 */
export class KpiDetail extends Component {
    static template = "crm_kpi.KpiDetail";
    static components = {
        BarList,
        BulletBar,
        Dialog,
        HeatMap,
        KpiChart,
        Leaderboard,
        StatusBadge,
        Tabs,
        Trouble,
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
        this.answer = useAnswer(() => this.call("get_detail"));
        this.why = useAnswer(() => this.call("get_why"));
        onWillStart(() => {
            // not waited for: the window is there at once
            this.answer.load();
        });
    }

    call(method) {
        return this.orm.silent.call("crm.kpi.board", method, [
            this.props.kpiId,
            this.props.filters,
        ]);
    }

    onTab(name) {
        if (name === "why" && !this.why.value) {
            this.why.load();
        }
    }

    async openRecords() {
        const action = await this.call("open_records");
        this.props.close();
        this.action.doAction(action);
    }

    openGoal() {
        const resId = this.answer.value.goal_id;
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
