import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { _t } from "@web/core/l10n/translation";

/**
 * The course of a KPI: values, goals, where the running period is heading, the usual range.
 * The same figures stand in a table below, for those who cannot see or want to read them.
 */
export class KpiChart extends Component {
    static template = "crm_kpi.KpiChart";
    static props = { trend: Object, annotations: Array, name: String, unit: String };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                this.draw();
            },
            () => [this.props.trend]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    get colours() {
        const style = getComputedStyle(this.canvas.el);
        const colour = (name) => style.getPropertyValue(name).trim();
        return {
            value: colour("--kpi-value"),
            goal: colour("--kpi-goal"),
            range: colour("--kpi-range"),
            text: style.color,
            grid: colour("--kpi-grid"),
        };
    }

    get datasets() {
        const { points, low, high } = this.props.trend;
        const colours = this.colours;
        const line = (label, data, options) => ({
            label,
            data,
            spanGaps: false,
            tension: 0,
            ...options,
        });
        const sets = [
            line(
                this.props.name,
                points.map((point) => point.value),
                {
                    borderColor: colours.value,
                    backgroundColor: colours.value,
                    borderWidth: 2,
                    // a running period is drawn hollow: it is not over yet
                    pointBackgroundColor: points.map((p) =>
                        p.running ? "transparent" : colours.value
                    ),
                    pointStyle: points.map((p) => (p.state === "locked" ? "rect" : "circle")),
                    pointRadius: 4,
                    segment: {
                        borderDash: (context) =>
                            points[context.p1DataIndex].running ? [4, 4] : undefined,
                    },
                }
            ),
        ];
        if (points.some((point) => point.target !== null)) {
            sets.push(
                line(
                    _t("Goal"),
                    points.map((point) => point.target),
                    {
                        borderColor: colours.goal,
                        backgroundColor: colours.goal,
                        borderDash: [6, 3],
                        borderWidth: 2,
                        pointStyle: "line",
                        pointRadius: 8,
                        pointBorderWidth: 2,
                    }
                )
            );
        }
        if (points.some((point) => point.projected !== null)) {
            sets.push(
                line(
                    _t("At this pace"),
                    points.map((point) => point.projected),
                    {
                        borderColor: colours.value,
                        backgroundColor: "transparent",
                        showLine: false,
                        pointStyle: "triangle",
                        pointRadius: 6,
                    }
                )
            );
        }
        if (low !== null) {
            const flat = { borderColor: colours.range, borderWidth: 1, pointRadius: 0 };
            sets.push(
                line(_t("Usual range"), Array(points.length).fill(high), {
                    ...flat,
                    backgroundColor: colours.range,
                    fill: "+1",
                }),
                line("", Array(points.length).fill(low), flat)
            );
        }
        return sets;
    }

    draw() {
        this.chart?.destroy();
        const colours = this.colours;
        const { points } = this.props.trend;
        const texts = points.map((point) => point.value_text);
        this.chart = new Chart(this.canvas.el, {
            type: "line",
            data: { labels: points.map((point) => point.label), datasets: this.datasets },
            options: {
                animation: false,
                responsive: true,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                plugins: {
                    legend: {
                        labels: {
                            color: colours.text,
                            usePointStyle: true,
                            filter: (item) => item.text,
                        },
                    },
                    tooltip: {
                        filter: (item) => item.dataset.label,
                        callbacks: {
                            label: (item) =>
                                item.datasetIndex
                                    ? `${item.dataset.label}: ${this.format(item.parsed.y)}`
                                    : `${item.dataset.label}: ${texts[item.dataIndex]}`,
                        },
                    },
                },
                scales: {
                    x: { ticks: { color: colours.text }, grid: { display: false } },
                    y: {
                        beginAtZero: true,
                        ticks: { color: colours.text, callback: (value) => this.format(value) },
                        grid: { color: colours.grid },
                    },
                },
            },
        });
    }

    format(value) {
        const shown = this.props.unit === "percent" ? value * 100 : value;
        const text = new Intl.NumberFormat(undefined, {
            notation: Math.abs(shown) >= 100000 ? "compact" : "standard",
            maximumFractionDigits: 1,
        }).format(shown);
        return this.props.unit === "percent" ? `${text} %` : text;
    }
}
