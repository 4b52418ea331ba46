import { Component, onMounted, useRef, useState } from "@odoo/owl";
import { DateTimePicker } from "@web/core/datetime/datetime_picker";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { errorText } from "../answer";

const { DateTime } = luxon;

/**
 * A first and a last day. Nothing leaves the form before *Apply*: a date input reports each year
 * while it is typed (2, 20, 202, 2026).
 */
class DateRangeForm extends Component {
    static template = "crm_kpi.DateRangeForm";
    static components = { DateTimePicker };
    static props = {
        first: String,
        last: String,
        earliest: String,
        latest: String,
        onApply: Function,
        close: Function,
    };

    setup() {
        const { first, last, earliest, latest } = this.props;
        const days = [first < earliest ? earliest : first, last > latest ? latest : last];
        this.state = useState({ days, side: 0, waiting: false, error: "" });
        const firstDay = useRef("first-day");
        onMounted(() => firstDay.el.focus());
    }

    get minDate() {
        return DateTime.fromISO(this.props.earliest);
    }

    get maxDate() {
        return DateTime.fromISO(this.props.latest);
    }

    /** The days for the calendar; a day that is not complete yet is empty. */
    get dates() {
        return this.state.days.map((day) => (this.isAllowed(day) ? DateTime.fromISO(day) : false));
    }

    /** The month of the calendar: it follows the day that is typed. */
    get shownMonth() {
        return this.state.days[this.state.side].slice(0, 7);
    }

    isAllowed(day) {
        return day >= this.props.earliest && day <= this.props.latest;
    }

    /** Set one end. The other end moves along where the last day would be before the first. */
    setDay(side, day) {
        const days = this.state.days;
        days[side] = day;
        this.state.error = "";
        if (this.isAllowed(day) && days[1] < days[0]) {
            days[1 - side] = day;
        }
    }

    /** A click in the calendar sets the first day, the next click the last day. */
    onSelect(dates) {
        const { side } = this.state;
        const day = dates[side].toISODate();
        if (side === 0 || day < this.state.days[0]) {
            this.state.days = [day, day];
            this.state.side = 1;
        } else {
            this.setDay(1, day);
            this.state.side = 0;
        }
    }

    async apply() {
        const [first, last] = this.state.days;
        if (this.state.waiting || !this.isAllowed(first) || !this.isAllowed(last)) {
            return;
        }
        this.state.waiting = true;
        try {
            await this.props.onApply(first, last);
            this.props.close();
        } catch (error) {
            this.state.error = errorText(error);
        }
        this.state.waiting = false;
    }
}

/**
 * A button with the days of a custom period. It opens a form to choose others.
 */
export class DateRange extends Component {
    static template = "crm_kpi.DateRange";
    static components = { DateRangeForm, Dropdown };
    static props = {
        label: String,
        first: String,
        last: String,
        earliest: String,
        latest: String,
        isOpen: Boolean,
        onApply: Function,
        onClose: Function,
    };

    setup() {
        this.menu = useDropdownState({ onClose: () => this.props.onClose() });
        onMounted(() => {
            if (this.props.isOpen) {
                this.menu.open();
            }
        });
    }
}
