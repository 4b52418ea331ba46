import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { recordsText } from "../records_text";

/**
 * Which records of a period a value includes, and why it excludes others. Each number opens its
 * records, as far as the reader may see them.
 */
export class RecordsTable extends Component {
    static template = "crm_kpi.RecordsTable";
    static props = {
        part: Object, // an Explanation of board/explain.py
        onOpen: Function, // with the reason of the row
    };

    /** Groups of rows, in order: included, excluded, others, all. */
    get groups() {
        const { included, zero, excluded, others, total, visible } = this.props.part;
        const all = { reason: "all", text: _t("Total in this period"), count: total, visible };
        return [
            { name: "included", rows: [{ ...included, bold: true }, zero] },
            { name: "excluded", title: _t("Excluded"), rows: excluded },
            { name: "others", rows: [others] },
            { name: "all", rows: [{ ...all, bold: true }] },
        ]
            .map((group) => ({ ...group, rows: group.rows.filter(Boolean) }))
            .filter((group) => group.rows.length);
    }

    isPart(group, row) {
        return group.title || row.reason === "cancelled";
    }

    openLabel(row) {
        return _t("%(kpi)s, %(reason)s: open %(records)s", {
            kpi: this.props.part.name,
            reason: row.text,
            records: recordsText(row.visible),
        });
    }

    visibleText(row) {
        return row.visible
            ? _t("%s of them visible to you", row.visible)
            : _t("not visible to you");
    }
}
