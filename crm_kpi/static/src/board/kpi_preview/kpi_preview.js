import { Component, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { _t } from "@web/core/l10n/translation";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { useAnswer } from "../answer";
import { BarList } from "../bar_list/bar_list";
import { LoadError } from "../load_error/load_error";
import { RecordsTable } from "../records_table/records_table";
import { Sparkline } from "../sparkline/sparkline";

/** Milliseconds without a change after which the preview is asked for. */
const DELAY = 500;
/** Fields that the preview depends on. Those that the form does not show are left out. */
const FIELDS = [
    "aggregator",
    "code",
    "company_id",
    "complete_only",
    "date_field",
    "digits",
    "direction",
    "domain",
    "formula",
    "kind",
    "maturity_days",
    "name",
    "needs_history",
    "small_segments",
    "source_id",
    "unit",
    "value_field",
];

/** The values of the form that define the KPI, as the server reads them. */
function definitionOf({ data }) {
    return Object.fromEntries(
        FIELDS.filter((name) => name in data).map((name) => {
            const value = data[name];
            return [name, value && typeof value === "object" ? value.id : value];
        })
    );
}

/**
 * What a KPI would show, beside the form in which it is edited: values, split, and which records
 * count. Nothing is stored.
 */
export class KpiPreview extends Component {
    static template = "crm_kpi.KpiPreview";
    static components = { BarList, LoadError, RecordsTable, Sparkline };
    static props = { record: Object };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ isWaiting: false });
        this.chosen = { periodId: false, reason: "included" };
        this.answer = useAnswer(() =>
            this.orm.silent.call("crm.kpi", "get_preview", this.callArguments)
        );
        const loadSoon = useDebounced(() => this.load(), DELAY);
        useRecordObserver((record) => {
            const values = definitionOf(record);
            const text = JSON.stringify([record.resId, values]);
            if (text === this.text) {
                return;
            }
            const isOther = !this.text || record.resId !== this.resId;
            Object.assign(this, { text, values, resId: record.resId });
            this.state.isWaiting = true;
            if (isOther) {
                this.load(); // not awaited: the form is shown at once
            } else {
                loadSoon();
            }
        });
    }

    get callArguments() {
        const { periodId, reason } = this.chosen;
        return [this.resId, this.values, periodId, reason];
    }

    get preview() {
        return this.answer.value;
    }

    async load() {
        this.state.isWaiting = true;
        await this.answer.load();
        this.state.isWaiting = false;
        if (this.env.kpiPreview) {
            this.env.kpiPreview.countText = this.preview?.count_text || "";
        }
    }

    /** Show the split and the records of another month. */
    pickPeriod(periodId) {
        this.chosen = { periodId, reason: "included" };
        return this.load();
    }

    /** Show the records that are included or excluded for a reason. */
    pickReason(reason) {
        this.chosen = { ...this.chosen, reason };
        return this.load();
    }

    get recordsTitle() {
        const { explanation, reason } = this.preview;
        const rows = [explanation?.included, explanation?.zero, ...(explanation?.excluded || [])];
        const row = rows.find((one) => one?.reason === reason);
        return row ? _t("First records: %s", row.text) : _t("First records");
    }

    recordUrl(record) {
        return `/odoo/${this.preview.record_model}/${record.id}`;
    }

    /** In a window of its own, so that the form keeps what is not saved. */
    async openRecords() {
        const action = await this.orm.call("crm.kpi", "open_preview", this.callArguments);
        this.action.doAction(action, { newWindow: true });
    }
}

registry.category("lazy_components").add("crm_kpi.KpiPreview", KpiPreview);
