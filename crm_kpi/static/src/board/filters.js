/**
 * The filters of a board, as the address and a saved favorite keep them. The server has the same
 * list in `board/filters.py`.
 */
export const FILTERS = [
    "period_kind",
    "date",
    "date_to",
    "comparison",
    "company_id",
    "scope",
    "team_id",
    "user_id",
    "segment_set_id",
    "segment_id",
];

/** What the filters of the period are set to when its kind changes. */
export const RUNNING_PERIOD = { date: "now", date_to: false };

/**
 * The filters among other parameters, without those that are not set.
 *
 * @param {Object} params
 * @returns {Object}
 */
export function pickFilters(params) {
    const isSet = (name) => params[name] !== undefined && params[name] !== "";
    return Object.fromEntries(FILTERS.filter(isSet).map((name) => [name, params[name]]));
}
