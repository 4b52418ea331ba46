import { _t } from "@web/core/l10n/translation";

/**
 * A number of records, in words.
 *
 * @param {number} count
 */
export function recordsText(count) {
    return count === 1 ? _t("1 record") : _t("%s records", count);
}
