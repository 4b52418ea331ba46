/**
 * A part of a formula that can be typed: a KPI, a function or a constant.
 *
 * @typedef {{ code: string, words: string, insert: string }} FormulaPart
 */

/** Number of proposals. */
const LIMIT = 8;

/**
 * What is proposed for the words before the cursor, and which part of the text it replaces. The
 * words are compared with the code and the name of each part; the longest run of words that finds
 * something counts.
 *
 * @param {FormulaPart[]} parts
 * @param {string} text
 * @param {number} cursor position in the text
 * @returns {{ parts: FormulaPart[], start: number, end: number }}
 */
export function complete(parts, text, cursor) {
    const [run] = text.slice(0, cursor).match(/[\p{L}\d_ ]*$/u);
    const end = cursor + text.slice(cursor).match(/^[\p{L}\d_]*/u)[0].length;
    for (const { 0: word, index } of run.matchAll(/[\p{L}\d_]+/gu)) {
        const wanted = run.slice(index);
        const found = /^\d/.test(word) ? [] : search(parts, wanted);
        // after a code and a space, an operator follows
        const isComplete = parts.some((part) => `${part.insert} ` === wanted);
        if (found.length && !isComplete) {
            return { parts: found, start: cursor - run.length + index, end };
        }
    }
    return { parts: [], start: cursor, end: cursor };
}

/**
 * The parts whose code or words contain some text: those that begin with it first, then those in
 * which a word begins with it.
 *
 * @param {FormulaPart[]} parts
 * @param {string} wanted
 */
export function search(parts, wanted) {
    const normal = (text) => text.toLowerCase().replaceAll("_", " ");
    wanted = normal(wanted);
    const rank = ({ code, words }) => {
        const texts = [normal(code), normal(words)];
        const ranks = [
            (text) => text.startsWith(wanted),
            (text) => text.includes(` ${wanted}`),
            (text) => text.includes(wanted),
        ];
        return ranks.findIndex((matches) => texts.some(matches));
    };
    return parts
        .map((part) => ({ part, rank: rank(part) }))
        .filter((found) => found.rank >= 0)
        .sort((one, other) => one.rank - other.rank)
        .slice(0, LIMIT)
        .map((found) => found.part);
}
