import { Component, onWillStart } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { useAnswer } from "../answer";
import { BarList } from "../bar_list/bar_list";
import { BulletBar } from "../bullet_bar/bullet_bar";
import { HeatMap } from "../heat_map/heat_map";
import { KpiChart } from "../kpi_chart/kpi_chart";
import { Leaderboard } from "../leaderboard/leaderboard";
import { LoadError } from "../load_error/load_error";
import { recordsText } from "../records_text";
import { StatusBadge } from "../status_badge/status_badge";
import { Tabs } from "../tabs/tabs";

/**
 * The details of a card: trend, salespeople, segments, ranking, included and excluded records,
 * definition, and the link to the goal.
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
        LoadError,
        StatusBadge,
        Tabs,
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
        this.explanation = useAnswer(() => this.call("get_explanation"));
        onWillStart(() => {
            // not awaited, so that the dialog is shown at once
            this.answer.load();
        });
    }

    call(method) {
        return this.orm.silent.call("crm.kpi.board", method, [
            this.props.kpiId,
            this.props.filters,
        ]);
    }

    get recordsText() {
        return recordsText(this.answer.value.card.record_count);
    }

    /** Median and best value across the bars of people. */
    get marks() {
        const { median, best } = this.answer.value;
        return Object.entries({ median, best })
            .filter(([, mark]) => mark.share !== null)
            .map(([key, mark]) => ({ key, share: mark.share }));
    }

    get comparedText() {
        const count = this.answer.value.compared;
        return count === 1 ? _t("1 person") : _t("%s people", count);
    }

    onTab(name) {
        if (name === "records" && !this.explanation.value) {
            this.explanation.load();
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
