import { Component } from "@odoo/owl";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";

const HEIGHT = 32;
const STEP = 10;
/** Columns; with a short history the first ones are empty. */
const COLUMNS = 12;

/**
 * Twelve periods as columns. The running period is hatched because it is not complete; a period
 * without a value is a gap. Without a name it is a decoration that screen readers skip.
 */
export class Sparkline extends Component {
    static template = "crm_kpi.Sparkline";
    static props = { points: Array, name: { type: String, optional: true } };

    setup() {
        this.height = HEIGHT;
        // unique, because the browser looks up patterns in the whole page
        this.hatch = `o_kpi_hatch_${Sparkline.count++}`;
    }

    get mirrored() {
        return localization.direction === "rtl";
    }

    get width() {
        return Math.max(this.props.points.length, COLUMNS) * STEP;
    }

    /** Distance of a value from the top; at the bottom if all values are zero. */
    get scale() {
        const values = this.props.points.map((p) => p.value).filter((v) => v !== null);
        const high = Math.max(0, ...values);
        const low = Math.min(0, ...values);
        const span = high - low;
        return (value) => (span ? 1 + ((high - value) / span) * (HEIGHT - 2) : HEIGHT - 1);
    }

    get base() {
        return this.scale(0);
    }

    get columns() {
        const y = this.scale;
        const before = this.width - this.props.points.length * STEP;
        return this.props.points
            .map((point, index) => ({ ...point, index }))
            .filter((point) => point.value !== null)
            .map((point) => {
                // zero is a line, no value is a gap
                const height = Math.max(Math.abs(y(point.value) - y(0)), 1);
                return {
                    key: point.index,
                    x: before + point.index * STEP + 1.5,
                    y: point.value < 0 ? y(0) : y(0) - height,
                    width: STEP - 3,
                    height,
                    running: point.running,
                    title: this.props.name && `${point.label}: ${point.value_text}`,
                };
            });
    }

    get label() {
        if (!this.props.name) {
            return undefined;
        }
        const texts = this.props.points
            .filter((point) => point.value !== null)
            .map((point) => `${point.label} ${point.value_text}`);
        return _t("%(name)s, last periods: %(values)s", {
            name: this.props.name,
            values: texts.join(", ") || _t("no values"),
        });
    }
}
Sparkline.count = 0;
