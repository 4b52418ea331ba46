import { Component, onWillStart, useEffect, useRef, useState } from "@odoo/owl";
import { getActiveHotkey } from "@web/core/hotkeys/hotkey_service";
import { _t } from "@web/core/l10n/translation";
import { usePosition } from "@web/core/position/position_hook";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { scrollTo } from "@web/core/utils/scrolling";
import { escapeRegExp } from "@web/core/utils/strings";
import { useDebounced } from "@web/core/utils/timing";
import { useInputField } from "@web/views/fields/input_field_hook";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { SelectCreateDialog } from "@web/views/view_dialogs/select_create_dialog";
import { complete } from "./completion";

/**
 * The formula of a KPI. While it is typed, KPIs and functions are proposed by name and code; below
 * it stands what is wrong, or the formula in words.
 */
export class FormulaField extends Component {
    static template = "crm_kpi.FormulaField";
    static props = { ...standardFieldProps, placeholder: { type: String, optional: true } };

    setup() {
        this.orm = useService("orm");
        this.dialog = useService("dialog");
        this.input = useRef("input");
        this.list = useRef("list");
        this.parts = [];
        this.answers = new KeepLast();
        this.state = useState({ proposed: [], active: 0, answer: {} });
        useInputField({
            ref: this.input,
            getValue: () => this.value,
            parse: (text) => text.trim(),
        });
        usePosition("list", () => this.input.el, { position: "bottom-start" });
        onWillStart(() => {
            if (!this.props.readonly) {
                // not awaited: the form is shown at once
                this.loadParts();
            }
        });
        useEffect(
            () => {
                if (!this.props.readonly) {
                    this.check(this.value);
                }
            },
            () => [this.value, this.props.record.data.unit, this.props.readonly]
        );
        this.checkLater = useDebounced(() => this.check(this.input.el?.value), 400);
    }

    get value() {
        return this.props.record.data[this.props.name] || "";
    }

    get id() {
        return this.props.id || this.props.name;
    }

    get isOpen() {
        return this.state.proposed.length > 0;
    }

    async loadParts() {
        this.parts = await this.orm.silent.call("crm.kpi", "get_formula_parts", []);
        const { el } = this.input;
        if (el && el === document.activeElement && el.value !== this.value) {
            this.propose(); // what was typed meanwhile
        }
    }

    /** Ask the server what is wrong with a text, or what it means. */
    async check(text) {
        if (!text) {
            this.state.answer = {};
            return;
        }
        const { record } = this.props;
        // the unit of a new KPI follows when the formula is complete
        const isTyped = text !== this.value;
        const asked = this.orm.silent.call("crm.kpi", "check_typed_formula", [
            text,
            record.data.code || false,
            !isTyped && record.data.unit,
        ]);
        this.state.answer = await this.answers.add(asked);
    }

    // Proposals

    propose() {
        const { value, selectionStart } = this.input.el;
        const { parts, start, end } = complete(this.parts, value, selectionStart);
        Object.assign(this.state, { proposed: parts, active: 0 });
        this.range = [start, end];
    }

    close() {
        this.state.proposed = [];
    }

    choose(part) {
        this.insert(part.insert, ...this.range);
        this.close();
    }

    onInput() {
        this.propose();
        this.checkLater();
    }

    onKeydown(ev) {
        const hotkey = getActiveHotkey(ev);
        if (hotkey === "arrowdown" && !this.isOpen) {
            this.propose();
        } else if (!this.isOpen) {
            return;
        } else if (hotkey === "arrowdown" || hotkey === "arrowup") {
            const count = this.state.proposed.length;
            const step = hotkey === "arrowdown" ? 1 : count - 1;
            this.state.active = (this.state.active + step) % count;
            scrollTo(this.list.el.children[this.state.active]);
        } else if (hotkey === "enter" || hotkey === "tab") {
            this.choose(this.state.proposed[this.state.active]);
        } else if (hotkey === "escape") {
            this.close();
        } else {
            return;
        }
        // neither the form nor the dialog around it acts on the key
        ev.preventDefault();
        ev.stopImmediatePropagation();
    }

    // Changes of the text

    insert(text, start, end) {
        const { el } = this.input;
        const isGlued = start && !/[\s(]/.test(el.value[start - 1]);
        el.setRangeText(isGlued ? ` ${text}` : text, start, end, "end");
        el.dispatchEvent(new InputEvent("input", { bubbles: true }));
        this.close();
        el.focus();
    }

    /** Write the code that was probably meant. */
    takeProposal() {
        const { typed, code } = this.state.answer;
        const word = "[\\p{L}\\d_]";
        const pattern = `(^|(?!${word}).)${escapeRegExp(typed)}(?!${word})`;
        const found = new RegExp(pattern, "u").exec(this.input.el.value);
        if (found) {
            const end = found.index + found[0].length;
            this.insert(code, end - typed.length, end);
        }
    }

    /** Choose a KPI from the list of all, and insert it at the cursor. */
    pick() {
        const { selectionStart, selectionEnd } = this.input.el;
        const { resId } = this.props.record;
        this.dialog.add(SelectCreateDialog, {
            resModel: "crm.kpi",
            title: _t("Insert KPI"),
            domain: resId ? [["id", "!=", resId]] : [],
            noCreate: true,
            multiSelect: false,
            onSelected: async ([id]) => {
                const [kpi] = await this.orm.read("crm.kpi", [id], ["code"]);
                this.insert(kpi.code, selectionStart, selectionEnd);
            },
        });
    }
}

registry.category("fields").add("crm_kpi_formula", {
    component: FormulaField,
    supportedTypes: ["char"],
    extractProps: ({ placeholder }) => ({ placeholder }),
});
