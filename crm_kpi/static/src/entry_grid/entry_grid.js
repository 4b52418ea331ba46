import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { downloadFile } from "@web/core/network/download";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { getDataURLFromFile } from "@web/core/utils/urls";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat } from "@web/views/fields/formatters";
import { parseFloat } from "@web/views/fields/parsers";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/**
 * Manual values as a table: a line per KPI and company, team or salesperson, a column per period.
 * Cells can be pasted from a spreadsheet, or come from an uploaded sheet. Nothing is stored before
 * *Save*.
 */
export class EntryGrid extends Component {
    static template = "crm_kpi.EntryGrid";
    static components = { Layout };
    static props = { ...standardActionServiceProps };
    static path = "enter-values";
    static displayName = _t("Enter values");

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.notification = useService("notification");
        this.display = { controlPanel: {} };
        this.table = useRef("table");
        this.fileInput = useRef("file");
        const { period_kind, date, rows } = this.props.action.params || {};
        this.options = { period_kind, date, rows };
        this.state = useState({ data: null, changes: {}, saving: false });
        onWillStart(() => this.load());
        useSetupAction({
            beforeLeave: () => this.mayLeave(),
            beforeUnload: (ev) => {
                if (this.changeCount) {
                    ev.preventDefault(); // the browser asks
                }
            },
        });
    }

    // --- DATA ---

    async load() {
        this.state.data = await this.orm.call("crm.kpi.entry", "get_grid", [this.options]);
        const { period_kind, rows, team_id } = this.state.data;
        this.options = { ...this.options, period_kind, rows, team_id };
        this.state.changes = {};
    }

    /** Show other lines or columns; asks first where changes would be lost. */
    async show(changes) {
        const leaves = await this.mayLeave();
        if (leaves) {
            this.options = { ...this.options, ...changes };
            await this.load();
        }
        return leaves;
    }

    /** Show what was chosen in a list; the list goes back where the changes are kept. */
    async choose(ev, name, more = {}) {
        const value = name === "team_id" ? Number(ev.target.value) : ev.target.value;
        if (!(await this.show({ [name]: value, ...more }))) {
            ev.target.value = this.state.data[name] || 0;
        }
    }

    /** Whether the user gives up the changes that are not saved. */
    mayLeave() {
        if (!this.changeCount) {
            return true;
        }
        return new Promise((resolve) => {
            this.dialog.add(
                ConfirmationDialog,
                {
                    title: _t("Unsaved values"),
                    body: _t("The values that you entered will be lost."),
                    confirmLabel: _t("Discard"),
                    confirm: () => {
                        this.state.changes = {};
                        resolve(true);
                    },
                    cancelLabel: _t("Keep editing"),
                    cancel: () => {},
                },
                { onClose: () => resolve(false) }
            );
        });
    }

    async save() {
        if (this.wrongCount || this.state.saving) {
            return;
        }
        const { lines, columns } = this.state.data;
        const changes = Object.entries(this.state.changes).map(([key, { value }]) => {
            const [line, column] = key.split(",").map(Number);
            const { kpi_id, team_id, user_id } = lines[line];
            return { kpi_id, team_id, user_id, date: columns[column].date, value };
        });
        this.state.saving = true;
        try {
            this.state.data = await this.orm.call("crm.kpi.entry", "save_grid", [
                this.options,
                changes,
            ]);
            this.state.changes = {};
            this.notification.add(_t("Saved. The next refresh counts the values."), {
                type: "success",
            });
        } finally {
            this.state.saving = false;
        }
    }

    // --- FILES ---

    async download() {
        const { name, content } = await this.orm.call("crm.kpi.entry", "get_grid_file", [
            this.options,
        ]);
        downloadFile(`data:${XLSX};base64,${content}`, name, XLSX);
    }

    /** Show the table of a file, with its values as changes that are not saved. */
    async upload(ev) {
        const [file] = ev.target.files;
        ev.target.value = ""; // the same file can be chosen again
        if (!file || !(await this.mayLeave())) {
            return;
        }
        const url = await getDataURLFromFile(file);
        const { table, changes } = await this.orm.call("crm.kpi.entry", "read_grid_file", [
            url.split(",")[1],
        ]);
        const { period_kind, rows, team_id, columns } = table;
        this.options = { period_kind, rows, team_id, date: columns.at(-1).date };
        this.state.data = table;
        this.state.changes = Object.fromEntries(
            changes.map(({ line, column, value }) => [
                `${line},${column}`,
                { text: this.format(table.lines[line], value), value },
            ])
        );
        this.notification.add(
            changes.length
                ? _t("Values that the file changes: %s. Check them, then save.", changes.length)
                : _t("The file has no other values than the table."),
            { type: "info" }
        );
    }

    discard() {
        this.state.changes = {};
    }

    // --- CELLS ---

    get changeCount() {
        return Object.keys(this.state.changes).length;
    }

    get wrongCount() {
        return Object.values(this.state.changes).filter((change) => change.error).length;
    }

    text(line, lineIndex, columnIndex) {
        const change = this.state.changes[`${lineIndex},${columnIndex}`];
        if (change) {
            return change.text;
        }
        const { value } = line.cells[columnIndex];
        return value === null ? "" : this.format(line, value);
    }

    format(line, value) {
        return formatFloat(value * line.factor, { digits: [16, 4], trailingZeros: false });
    }

    error(lineIndex, columnIndex) {
        return this.state.changes[`${lineIndex},${columnIndex}`]?.error || "";
    }

    label(line, column) {
        return _t("%(kpi)s, %(owner)s, %(period)s", {
            kpi: line.kpi,
            owner: line.owner,
            period: column.label,
        });
    }

    get dueText() {
        return _t("due");
    }

    get severalText() {
        return _t("Several entries: change them in the list.");
    }

    isEditable(line, columnIndex) {
        return this.state.data.can_edit && line.cells[columnIndex].count < 2;
    }

    /** Note what was typed; the former text again is no change. */
    change(lineIndex, columnIndex, text) {
        const line = this.state.data.lines[lineIndex];
        if (!line || !(columnIndex in line.cells) || !this.isEditable(line, columnIndex)) {
            return;
        }
        const key = `${lineIndex},${columnIndex}`;
        const cell = line.cells[columnIndex];
        const trimmed = text.trim();
        if (trimmed === (cell.value === null ? "" : this.format(line, cell.value))) {
            delete this.state.changes[key];
            return;
        }
        this.state.changes[key] = { text, ...this.read(line, trimmed) };
    }

    /** The value of a text as `{value}`, or `{error}`. */
    read(line, text) {
        if (!text) {
            return { value: null };
        }
        const number = text
            .replace(line.prefix.trim() || /^$/, "")
            .replace(line.suffix.trim() || /^$/, "")
            .replace("%", "")
            .trim();
        try {
            const value = parseFloat(number);
            if (number && isFinite(value)) {
                return { value: value / line.factor };
            }
        } catch {
            // the text is no number, see below
        }
        return { error: _t('"%s" is not a number.', text) };
    }

    // --- KEYS AND CLIPBOARD ---

    /** Fill the cells from this one on with cells of a spreadsheet. */
    onPaste(ev, lineIndex, columnIndex) {
        const text = ev.clipboardData.getData("text/plain").replace(/\r/g, "").replace(/\n$/, "");
        if (!/[\t\n]/.test(text)) {
            return; // one value: the browser inserts it
        }
        ev.preventDefault();
        const rows = text.split("\n").map((row) => row.split("\t"));
        rows.forEach((row, down) =>
            row.forEach((value, right) => this.change(lineIndex + down, columnIndex + right, value))
        );
        const { lines, columns } = this.state.data;
        const width = Math.max(...rows.map((row) => row.length));
        if (lineIndex + rows.length > lines.length || columnIndex + width > columns.length) {
            this.notification.add(_t("What does not fit into the table was left out."), {
                type: "warning",
            });
        }
    }

    onKeydown(ev, lineIndex, columnIndex) {
        const steps = { Enter: 1, ArrowDown: 1, ArrowUp: -1 };
        if (!(ev.key in steps)) {
            return;
        }
        ev.preventDefault();
        const next = lineIndex + steps[ev.key];
        this.table.el.querySelector(`[data-cell="${next},${columnIndex}"]`)?.select();
    }

    openList() {
        this.action.doAction("crm_kpi.crm_kpi_entry_action");
    }
}

registry.category("actions").add("crm_kpi.entry_grid", EntryGrid);
