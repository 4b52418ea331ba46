/**
 * The card that an arrow key leads to.
 *
 * @param {DOMRect[]} boxes positions of the cards, in reading order
 * @param {number} here index of the card that has the focus
 * @param {string} key `ArrowLeft` and so on
 * @param {boolean} [mirrored] whether the language is written from right to left
 * @returns {number | undefined} index of the card; `undefined` where there is none
 */
export function neighbour(boxes, here, key, mirrored = false) {
    if (key === "ArrowRight" || key === "ArrowLeft") {
        const step = (key === "ArrowRight") === mirrored ? -1 : 1;
        return boxes[here + step] && here + step;
    }
    const from = boxes[here];
    const away = (box) => Math.abs(box.top - from.top) * 10 + Math.abs(box.left - from.left);
    const beyond = boxes
        .map((box, index) => ({ box, index }))
        .filter(({ box }) =>
            key === "ArrowDown" ? box.top >= from.bottom - 1 : box.bottom <= from.top + 1
        );
    beyond.sort((a, b) => away(a.box) - away(b.box));
    return beyond[0]?.index;
}
