/** Examples of what the server returns. */

export function makeCard(values = {}) {
    const { kpi, ...others } = values;
    return {
        id: 1,
        size: "1",
        display: "number",
        state: "ok",
        state_text: "",
        value: 12,
        value_text: "12",
        value_id: 7,
        record_count: 12,
        goal: null,
        bullet: null,
        change: null,
        sparkline: [],
        signal: null,
        rows: [],
        folded: false,
        section: "",
        own_filters: {},
        filters: null,
        filter_text: "",
        ...others,
        kpi: {
            id: 5,
            code: "deals",
            name: "Deals won",
            unit: "number",
            direction: "increase",
            direction_text: "The more, the better",
            category_id: 1,
            category: "Conversion",
            description: "Deals that were won.",
            reference: "",
            computation: "",
            source: "Leads",
            counter: null,
            ...kpi,
        },
    };
}

export function makeGoal(values = {}) {
    return {
        id: 3,
        kind: "at_least",
        target: 20,
        target_text: "≥ 20",
        attainment: 0.6,
        attainment_text: "60 %",
        expected: 0.5,
        pace: 10,
        pace_text: "10",
        forecast: 24,
        forecast_text: "24",
        status: "on_track",
        status_text: "On track",
        shape: "●",
        counter_missed: false,
        ...values,
    };
}

export function makeBoard(values = {}) {
    return {
        boards: [
            { id: 1, name: "My board", own: false, origin_id: false },
            { id: 2, name: "Sales team", own: false, origin_id: false },
        ],
        board: {
            id: 1,
            name: "My board",
            title: "My board · Ann",
            own: false,
            can_edit: false,
            origin_id: false,
            layout: {
                period_kind: "month",
                starts_on: "now",
                comparison: "previous",
                scope: "mine",
            },
        },
        chosen: {},
        filters: {
            period_kind: "month",
            date: "now",
            date_to: null,
            comparison: "previous",
            company_id: 1,
            scope: "mine",
            team_id: null,
            user_id: 7,
            segment_set_id: null,
            segment_id: null,
        },
        period: {
            id: 9,
            label: "November 2026",
            date_from: "2026-11-01",
            date_to: "2026-11-30",
            timing: "running",
            state: "open",
            state_text: "Current",
            elapsed_text: "14 of 21 working days",
            share: 14 / 21,
        },
        options: {
            kinds: [
                ["week", "Week"],
                ["month", "Month"],
                ["custom", "Custom"],
            ],
            days: null,
            periods: [{ id: 9, label: "November 2026", date: "2026-11-01" }],
            companies: [{ id: 1, name: "Company" }],
            teams: [],
            users: [{ id: 7, name: "Ann" }],
            segment_sets: [],
        },
        can_choose: { team: true, user: true, company: false },
        as_of: "08:00",
        stale: false,
        stale_text: "",
        categories: [],
        cards: [
            makeCard(),
            makeCard({ id: 2, kpi: { id: 6, code: "rate", name: "Win rate" } }),
            makeCard({ id: 3, kpi: { id: 8, code: "cycle", name: "Sales cycle" } }),
        ],
        ...values,
    };
}

/** What the filters of the board offer. */
export function makeChoices(values = {}) {
    return {
        ...makeBoard().options,
        days: { first: "2025-01-01", last: "2026-11-20" },
        periods: [
            { id: 9, label: "November 2026", date: "2026-11-01" },
            { id: 8, label: "October 2026", date: "2026-10-01" },
        ],
        teams: [
            { id: 1, name: "North" },
            { id: 2, name: "South" },
        ],
        users: [
            { id: 7, name: "Ann" },
            { id: 8, name: "Bob" },
        ],
        ...values,
    };
}

export function makePoint(values = {}) {
    const value = values.value ?? null;
    return {
        label: "October 2026",
        date: "2026-10-01",
        value,
        value_text: value === null ? "–" : String(value),
        record_count: value || 0,
        state: "provisional",
        running: false,
        ahead: 0,
        target: null,
        target_max: null,
        target_text: "",
        usual_low: null,
        usual_mean: null,
        usual_high: null,
        range_text: "",
        signal: "",
        forecast: null,
        forecast_low: null,
        forecast_high: null,
        forecast_text: "–",
        forecast_value_text: "",
        forecast_range_text: "",
        ...values,
    };
}

export function makeTrend(values = {}) {
    return {
        points: [],
        grows: true,
        prefix: "",
        suffix: "",
        redefined: [],
        dismissed: [],
        mean_text: "",
        range_text: "",
        range_help: "",
        ...values,
    };
}

export function makeDetail(values = {}) {
    const mark = { value: null, text: "–", share: null };
    return {
        card: makeCard(),
        filters: makeBoard().filters,
        period: makeBoard().period,
        trend: makeTrend(),
        annotations: [],
        can_annotate: false,
        can_dismiss: false,
        cell: { level: "company", team_id: false, user_id: false, segment_id: false },
        compared: 0,
        salespeople: [],
        salespeople_note: "",
        median: mark,
        best: mark,
        segments: [],
        segments_note: "",
        segment_set: "",
        heat_map: null,
        definition_changes: [],
        goal_id: null,
        has_sums: false,
        ...values,
    };
}

export function makeScorecardCell(values = {}) {
    return {
        kpi_id: 5,
        value: 12,
        value_text: "12",
        state: "ok",
        state_text: "",
        record_count: 12,
        status: "",
        status_text: "",
        shape: "",
        counter_missed: false,
        target_text: "",
        attainment_text: "",
        change: "",
        change_trend: "",
        change_trend_text: "",
        change_up: false,
        signal_text: "",
        signal_trend: "",
        sparkline: [4, null, 12],
        ...values,
    };
}

export function makeScorecard(values = {}) {
    const { cards, ...board } = makeBoard();
    const cell = makeScorecardCell;
    const bad = { status: "off_track", status_text: "Off track", shape: "▼", target_text: "≥ 9" };
    const worse = { change: "from 5", change_trend: "worse", change_trend_text: "Worse" };
    const columns = cards.map(({ kpi }) => ({ ...kpi, basis_text: "" }));
    return {
        ...board,
        notes: [],
        choice: "",
        has_own: false,
        choices: columns,
        kpi_ids: [5, 6],
        arrangement: { rows: "user", sort: "urgency", reverse: false },
        basis_text: "Oct 1 – 20, 2026",
        columns: columns.slice(0, 2),
        total: {
            id: 0,
            name: "North",
            mine: false,
            filters: board.filters,
            cells: [cell(), cell({ kpi_id: 6, value_text: "25 %" })],
        },
        rows: [
            {
                id: 7,
                name: "Ann",
                mine: true,
                filters: { ...board.filters, scope: "team", user_id: 7 },
                cells: [
                    cell({ value: 3, value_text: "3", ...bad, ...worse }),
                    cell({ kpi_id: 6, value_text: "40 %" }),
                ],
            },
            {
                id: false,
                name: "Unassigned",
                mine: false,
                filters: null,
                cells: [cell(), cell({ kpi_id: 6 })],
            },
        ],
        row_count: 2,
        ...values,
    };
}
