import { Component, onWillStart, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { FormViewDialog } from "@web/views/view_dialogs/form_view_dialog";
import { useAnswer } from "../answer";
import { BarList } from "../bar_list/bar_list";
import { BulletBar } from "../../signs/bullet_bar";
import { DefinitionLines } from "../definition_lines/definition_lines";
import { useFollow } from "../follow";
import { HeatMap } from "../heat_map/heat_map";
import { KpiChart } from "../kpi_chart/kpi_chart";
import { Leaderboard } from "../leaderboard/leaderboard";
import { LoadError } from "../load_error/load_error";
import { RecordsTable } from "../records_table/records_table";
import { recordsText } from "../records_text";
import { StatusBadge } from "../../signs/status_badge";
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
        DefinitionLines,
        Dialog,
        HeatMap,
        KpiChart,
        Leaderboard,
        LoadError,
        RecordsTable,
        StatusBadge,
        Tabs,
    };
    static props = {
        kpiId: Number,
        filters: Object,
        title: { type: String, optional: true },
        tab: { type: String, optional: true },
        onPick: Function,
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.follow = useFollow();
        this.answer = useAnswer(() => this.call("get_detail"));
        this.explanation = useAnswer(() => this.call("get_explanation"));
        this.cautions = useAnswer(() => this.call("get_cautions"));
        this.state = useState({
            date: null, // first day of a period that was chosen in the chart
            chart: null, // the first answer: the chart goes on to show the later periods
            tab: this.props.tab || "trend",
        });
        onWillStart(() => {
            // not awaited, so that the dialog is shown at once
            this.load();
        });
    }

    get title() {
        return this.props.title || this.answer.value?.card.kpi.name || "";
    }

    get filters() {
        const { date } = this.state;
        return date ? { ...this.props.filters, date } : this.props.filters;
    }

    call(method, filters = this.filters, ...args) {
        return this.orm.silent.call("crm.kpi.board", method, [this.props.kpiId, filters, ...args]);
    }

    async load() {
        this.cautions.value = null;
        await this.answer.load();
        this.state.chart ||= this.answer.value;
        if (this.answer.value?.has_sums) {
            // not awaited: the details are shown before the records are read
            this.cautions.load();
        }
    }

    openRecord(caution, record) {
        this.leave({
            type: "ir.actions.act_window",
            res_model: caution.model,
            res_id: record.id,
            views: [[false, "form"]],
        });
    }

    /** Show a period of the chart, here and on the board. */
    async pickPeriod(date) {
        this.state.date = date;
        this.explanation.value = null;
        this.props.onPick("date", date);
        await this.load();
        this.onTab(this.state.tab);
    }

    /** Note what happened in the period that is shown; the chart shows it. */
    annotate(title = _t("Add annotation"), values = {}) {
        const { period, filters } = this.answer.value;
        this.dialog.add(FormViewDialog, {
            resModel: "crm.kpi.annotation",
            title,
            context: {
                default_kpi_id: this.props.kpiId,
                default_company_id: filters.company_id,
                ...(period.timing === "running" ? {} : { default_date: period.date_from }),
                ...values,
            },
            onRecordSaved: () => this.reload(),
        });
    }

    /** Compare later values with those from the period that is shown on. */
    startRange() {
        const { period } = this.answer.value;
        this.annotate(_t("New usual range from %s", period.label), {
            default_date: period.date_from,
            default_resets_range: true,
        });
    }

    /** Say why the signal needs no more attention. */
    dismiss() {
        const { card, cell } = this.answer.value;
        const ids = Object.entries(cell).map(([name, value]) => [`default_${name}`, value]);
        this.dialog.add(FormViewDialog, {
            resModel: "crm.kpi.dismissal",
            title: _t("Dismiss: %s", card.signal.text),
            context: {
                ...Object.fromEntries(ids),
                default_kpi_id: this.props.kpiId,
                default_period_id: card.signal.period_id,
                default_rule: card.signal.rule,
            },
            onRecordSaved: () => this.reload(),
        });
    }

    /** Show a signal again that was dismissed. */
    async restore(dismissalId) {
        await this.orm.unlink("crm.kpi.dismissal", [dismissalId]);
        await this.reload();
    }

    /** Read the card and the chart again. */
    async reload() {
        await this.answer.load();
        this.state.chart = this.state.date
            ? await this.call("get_detail", this.props.filters)
            : this.answer.value;
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
        this.state.tab = name;
        if (name === "records" && !this.explanation.value) {
            this.explanation.load();
        }
    }

    async openRecords(part, reason) {
        this.leave(await this.call("open_part", this.filters, part.kpi_id, part.period_id, reason));
    }

    /** Close the details and open an action. */
    leave(action) {
        this.props.close();
        this.action.doAction(action);
    }

    /** Follow the KPI by mail, or stop following it. */
    async toggleFollow() {
        const detail = this.answer.value;
        detail.followed = await this.follow(detail.filters, { kpi_id: this.props.kpiId });
    }

    openGoal() {
        this.leave({
            type: "ir.actions.act_window",
            res_model: "crm.kpi.goal",
            res_id: this.answer.value.goal_id,
            views: [[false, "form"]],
        });
    }

    goTo(name, row) {
        this.props.close();
        this.props.onPick(name, row.record_id);
    }
}
