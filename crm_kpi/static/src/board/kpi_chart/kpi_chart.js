import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";

/** Narrower charts have no names at the edge; they are below the chart. */
const WIDE = 520;
const FONT = "12px system-ui, sans-serif";
/** Height of a name and a number at the edge, in pixels. */
const LABEL_HEIGHT = 30;

/** A number with its unit keeps its order in texts that are written from right to left. */
function isolated(text) {
    return `\u2066${text}\u2069`;
}

/**
 * The trend of a KPI: values, targets, forecast of the running period, usual range. A table
 * below shows the same values, also for screen readers and the keyboard. A click on a period
 * opens it.
 */
export class KpiChart extends Component {
    static template = "crm_kpi.KpiChart";
    static props = {
        trend: Object,
        annotations: Array,
        name: String,
        unit: String,
        goal: { type: [Object, { value: null }], optional: true },
        chosen: { type: String, optional: true }, // first day of the period that is shown
        onPickPeriod: { type: Function, optional: true },
        onAnnotate: { type: Function, optional: true },
        onStartRange: { type: Function, optional: true },
        onRestore: { type: Function, optional: true }, // with the id of a dismissed signal
    };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                this.draw();
            },
            () => [this.props.trend, this.props.annotations, this.props.chosen]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    // --- TEXTS ---

    get points() {
        return this.props.trend.points;
    }

    /**
     * Annotations, changes of the definition and dismissed signals, numbered, with the index of
     * their period.
     */
    get notes() {
        const { annotations, trend } = this.props;
        return [...annotations, ...(trend.redefined || []), ...(trend.dismissed || [])]
            .sort((a, b) => (a.date < b.date ? -1 : 1))
            .map((note, index) => ({
                ...note,
                number: index + 1,
                at: this.points.findLastIndex((point) => point.date <= note.date),
            }));
    }

    /** Goal, pace and forecast at the end of the chart: names, numbers, and where they are. */
    get labels() {
        const last = this.points.at(-1);
        if (!last) {
            return [];
        }
        const pace = last.running && this.props.goal ? this.props.goal.pace : null;
        return [
            { key: "target", name: _t("Target"), text: last.target_text, value: last.target },
            {
                key: "pace",
                name: _t("Expected by now"),
                text: this.props.goal?.pace_text,
                value: pace,
            },
            {
                key: "forecast",
                name: _t("Forecast"),
                text: last.forecast_value_text,
                value: last.forecast,
            },
        ].filter((label) => label.value !== null);
    }

    canPick(point) {
        return Boolean(this.props.onPickPeriod) && this.points.length > 1 && Boolean(point);
    }

    pick(point) {
        if (this.canPick(point)) {
            this.props.onPickPeriod(point.date);
        }
    }

    /** The chart in a sentence: lowest, highest and last value. */
    get summary() {
        const known = this.points.filter((point) => point.value !== null);
        if (!known.length) {
            return _t("%s: no values", this.props.name);
        }
        const sorted = [...known].sort((a, b) => a.value - b.value);
        const [low, high, last] = [sorted[0], sorted.at(-1), known.at(-1)];
        return _t(
            "%(name)s: lowest %(low)s in %(low_period)s, highest %(high)s in %(high_period)s, last %(last)s in %(last_period)s",
            {
                name: this.props.name,
                low: low.value_text,
                low_period: low.label,
                high: high.value_text,
                high_period: high.label,
                last: last.value_text,
                last_period: last.label,
            }
        );
    }

    /** Which values are compared with each other from now on, as the text of a button. */
    get rangeButton() {
        const chosen = this.points.find((point) => point.date === this.props.chosen);
        return _t("New usual range from %s", (chosen || this.points.at(-1)).label);
    }

    /** The forecast of a period and its range, in words. */
    forecast(point) {
        if (!point.forecast_range_text) {
            return point.forecast_text;
        }
        return _t("%(value)s (%(range)s)", {
            value: point.forecast_text,
            range: point.forecast_range_text,
        });
    }

    // --- DRAWING ---

    get colours() {
        const style = getComputedStyle(this.canvas.el);
        const probe = document.createElement("span");
        this.canvas.el.parentElement.append(probe);
        // let the browser resolve the colours, a canvas does not know the names of forced colours
        const colour = (name) => {
            probe.style.color = style.getPropertyValue(name);
            return getComputedStyle(probe).color;
        };
        const colours = {
            value: colour("--kpi-value"),
            goal: colour("--kpi-goal"),
            range: colour("--kpi-range"),
            text: style.color,
            grid: colour("--kpi-grid"),
        };
        probe.remove();
        return colours;
    }

    /** Lines and marks of the chart, with the texts of their values from the server. */
    get datasets() {
        const { grows } = this.props.trend;
        const points = this.points;
        const colours = this.colours;
        const line = (label, data, options) => ({ label, data, spanGaps: false, ...options });
        const goalLine = {
            borderColor: colours.goal,
            backgroundColor: colours.goal,
            borderDash: [6, 3],
            borderWidth: 2,
            pointStyle: "line",
            pointRadius: 8,
            pointBorderWidth: 2,
        };
        const mark = {
            borderColor: colours.value,
            backgroundColor: "transparent",
            showLine: false,
            pointRadius: 6,
            pointBorderWidth: 2,
        };
        const sets = [
            line(
                this.props.name,
                points.map((point) => point.value),
                {
                    texts: points.map((point) => point.value_text),
                    borderColor: colours.value,
                    backgroundColor: colours.value,
                    borderWidth: 2,
                    // a running period is hollow because it is not complete
                    pointBackgroundColor: points.map((p) =>
                        p.running ? "transparent" : colours.value
                    ),
                    pointStyle: points.map((p) => (p.state === "locked" ? "rect" : "circle")),
                    pointRadius: points.map((p) => (p.date === this.props.chosen ? 7 : 4)),
                    segment: {
                        borderDash: ({ p1DataIndex: end }) =>
                            points[end].running ? [4, 4] : undefined,
                        // a line to a part of a period would look like a fall
                        borderColor: ({ p1DataIndex: end }) =>
                            grows && points[end].running ? "transparent" : undefined,
                    },
                }
            ),
        ];
        const optional = (label, key, options) => {
            if (points.some((point) => point[key] !== null)) {
                sets.push(
                    line(
                        label,
                        points.map((point) => point[key]),
                        options
                    )
                );
            }
        };
        const targets = points.map((point) => point.target_text);
        optional(_t("Target"), "target", { ...goalLine, texts: targets });
        optional(_t("Upper target"), "target_max", { ...goalLine, texts: targets });
        const goal = this.props.goal;
        if (goal && goal.pace !== null && points.at(-1)?.running) {
            sets.push(
                line(_t("Expected by now"), [...Array(points.length - 1).fill(null), goal.pace], {
                    ...mark,
                    borderColor: colours.goal,
                    pointStyle: "triangle",
                    rotation: 180,
                    texts: Array(points.length).fill(goal.pace_text),
                })
            );
        }
        // one mark for each run of equal signals: a growing series has a signal at each point
        const isNew = points.map(
            ({ signal }, index) => signal && signal !== points[index - 1]?.signal
        );
        if (isNew.some(Boolean)) {
            sets.push(
                line(
                    _t("Unusual"),
                    points.map((point, index) => (isNew[index] ? point.value : null)),
                    {
                        ...mark,
                        borderColor: colours.goal,
                        pointRadius: 10,
                        pointStyle: "circle",
                        texts: points.map((point) => point.signal),
                    }
                )
            );
        }
        optional(_t("Forecast"), "forecast", {
            ...mark,
            pointStyle: "triangle",
            texts: points.map((point) => this.forecast(point)),
        });
        if (points.some((point) => point.usual_high !== null)) {
            const edge = { borderColor: colours.range, borderWidth: 1, pointRadius: 0 };
            const bound = (key) => points.map((point) => point[key]);
            sets.push(
                line(_t("Usual range"), bound("usual_high"), {
                    ...edge,
                    texts: points.map((point) => point.range_text),
                    backgroundColor: colours.range,
                    pointStyle: "rect",
                    fill: "+1",
                    spanGaps: true,
                }),
                line("", bound("usual_low"), { ...edge, spanGaps: true })
            );
        }
        return sets;
    }

    /** Draws the numbers of the annotations above their periods. */
    get notesPlugin() {
        const notes = this.notes.filter((note) => note.at >= 0);
        const { text } = this.colours;
        return {
            id: "crm_kpi_notes",
            afterDatasetsDraw: ({ ctx, scales, chartArea }) => {
                ctx.save();
                Object.assign(ctx, { strokeStyle: text, fillStyle: text, textAlign: "center" });
                ctx.setLineDash([2, 3]);
                for (const note of notes) {
                    const x = scales.x.getPixelForValue(note.at);
                    ctx.beginPath();
                    ctx.moveTo(x, chartArea.top + 12);
                    ctx.lineTo(x, chartArea.bottom);
                    ctx.stroke();
                    ctx.fillText(String(note.number), x, chartArea.top + 8);
                }
                ctx.restore();
            },
        };
    }

    /** Draws a line from the last closed period to the forecast, where values grow. */
    get forecastLinePlugin() {
        const { points } = this;
        const at = points.findIndex((point) => point.running);
        const colour = this.colours.value;
        return {
            id: "crm_kpi_forecast_line",
            beforeDatasetsDraw: ({ ctx, scales }) => {
                const before = points[at - 1]?.value ?? null;
                if (!this.props.trend.grows || before === null || points[at].forecast === null) {
                    return;
                }
                ctx.save();
                Object.assign(ctx, { strokeStyle: colour, lineWidth: 2 });
                ctx.setLineDash([4, 4]);
                ctx.beginPath();
                ctx.moveTo(scales.x.getPixelForValue(at - 1), scales.y.getPixelForValue(before));
                ctx.lineTo(
                    scales.x.getPixelForValue(at),
                    scales.y.getPixelForValue(points[at].forecast)
                );
                ctx.stroke();
                ctx.restore();
            },
        };
    }

    /** Draws names and numbers of goal, pace and forecast at the end of the chart. */
    get labelsPlugin() {
        const { labels, colours } = this;
        const rtl = localization.direction === "rtl";
        return {
            id: "crm_kpi_labels",
            afterDatasetsDraw: ({ ctx, scales, chartArea, width }) => {
                if (width < WIDE) {
                    return;
                }
                ctx.save();
                ctx.textAlign = rtl ? "right" : "left";
                ctx.textBaseline = "middle";
                const x = rtl ? chartArea.left - 12 : chartArea.right + 12;
                const placed = labels
                    .map((label) => ({ ...label, y: scales.y.getPixelForValue(label.value) }))
                    .sort((a, b) => a.y - b.y);
                const lowest = chartArea.bottom - LABEL_HEIGHT / 2;
                // apart from each other, and within the chart
                placed.forEach((label, index) => {
                    const above = placed[index - 1]?.y ?? chartArea.top - LABEL_HEIGHT / 2;
                    label.y = Math.max(label.y, above + LABEL_HEIGHT);
                });
                placed.reverse().forEach((label, index) => {
                    const below = placed[index - 1]?.y ?? lowest + LABEL_HEIGHT;
                    label.y = Math.min(label.y, below - LABEL_HEIGHT);
                });
                for (const label of placed) {
                    ctx.fillStyle = colours.text;
                    ctx.font = FONT;
                    ctx.fillText(label.name, x, label.y - 7);
                    ctx.font = `bold ${FONT}`;
                    ctx.fillText(isolated(label.text), x, label.y + 7);
                }
                ctx.restore();
            },
        };
    }

    /** Space for the labels at the end of the chart. */
    labelSpace(width) {
        const texts = this.labels.flatMap((label) => [label.name, label.text]);
        if (width < WIDE || !texts.length) {
            return 0;
        }
        const ctx = this.canvas.el.getContext("2d");
        ctx.font = `bold ${FONT}`;
        return Math.min(180, 16 + Math.max(...texts.map((text) => ctx.measureText(text).width)));
    }

    /** Draws the range of the forecast. */
    get forecastPlugin() {
        const index = this.points.findIndex((point) => point.forecast_low !== null);
        const colour = this.colours.value;
        return {
            id: "crm_kpi_forecast",
            afterDatasetsDraw: ({ ctx, scales }) => {
                if (index < 0) {
                    return;
                }
                const { forecast_low, forecast_high } = this.points[index];
                const x = scales.x.getPixelForValue(index);
                const [low, high] = [forecast_low, forecast_high].map((value) =>
                    scales.y.getPixelForValue(value)
                );
                ctx.save();
                Object.assign(ctx, { strokeStyle: colour, lineWidth: 2 });
                ctx.beginPath();
                ctx.moveTo(x, low);
                ctx.lineTo(x, high);
                for (const y of [low, high]) {
                    ctx.moveTo(x - 5, y);
                    ctx.lineTo(x + 5, y);
                }
                ctx.stroke();
                ctx.restore();
            },
        };
    }

    draw() {
        this.chart?.destroy();
        const colours = this.colours;
        const rtl = localization.direction === "rtl";
        this.chart = new Chart(this.canvas.el, {
            type: "line",
            data: { labels: this.points.map((point) => point.label), datasets: this.datasets },
            plugins: [
                this.forecastLinePlugin,
                this.forecastPlugin,
                this.notesPlugin,
                this.labelsPlugin,
            ],
            options: {
                animation: false,
                layout: {
                    padding: ({ chart }) => ({
                        [rtl ? "left" : "right"]: this.labelSpace(chart.width),
                    }),
                },
                onClick: (ev, elements) => this.pick(this.points[elements[0]?.index]),
                onHover: (ev, elements) => {
                    const canPick = this.canPick(this.points[elements[0]?.index]);
                    this.canvas.el.style.cursor = canPick ? "pointer" : "";
                },
                responsive: true,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                plugins: {
                    legend: {
                        rtl,
                        labels: {
                            color: colours.text,
                            usePointStyle: true,
                            boxHeight: 7,
                            filter: (item) => item.text,
                        },
                    },
                    tooltip: {
                        rtl,
                        filter: (item) => item.dataset.label,
                        callbacks: {
                            label: ({ dataset, dataIndex }) =>
                                `${dataset.label}: ${dataset.texts[dataIndex]}`,
                        },
                    },
                },
                scales: {
                    x: {
                        reverse: rtl,
                        // a single period is shown in the middle
                        offset: this.points.length === 1,
                        ticks: { color: colours.text },
                        grid: { display: false },
                    },
                    y: {
                        position: rtl ? "right" : "left",
                        beginAtZero: true,
                        suggestedMax: Math.max(0, ...this.points.map((p) => p.forecast_high || 0)),
                        ticks: {
                            color: colours.text,
                            callback: (value, index, ticks) => this.tick(value, ticks),
                        },
                        grid: { color: colours.grid },
                    },
                },
            },
        });
    }

    /**
     * A round number at the axis with its unit, all in one format. Texts of values come from the
     * server.
     */
    tick(value, ticks) {
        const { prefix, suffix } = this.props.trend;
        const factor = this.props.unit === "percent" ? 100 : 1;
        const shown = ticks.map((tick) => tick.value * factor);
        const compact = Math.max(...shown.map(Math.abs)) >= 100000;
        const isRound = (one, digits) =>
            Math.abs(one * 10 ** digits - Math.round(one * 10 ** digits)) < 1e-6;
        // enough for the steps of small values; the noise of floats is rounded away
        const digits = [0, 1, 2, 3, 4, 5].find((n) => shown.every((one) => isRound(one, n))) ?? 2;
        const text = new Intl.NumberFormat(localization.code?.replace("_", "-"), {
            notation: compact ? "compact" : "standard",
            minimumFractionDigits: compact ? 0 : digits,
            maximumFractionDigits: compact ? 1 : digits,
        }).format(value * factor);
        return isolated(`${prefix}${text}${suffix}`);
    }
}
