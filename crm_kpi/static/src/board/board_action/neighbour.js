/**
 * The card that an arrow key leads to.
 *
 * @param {DOMRect[]} boxes where the cards are, in reading order
 * @param {number} here index of the one that has the focus
 * @param {string} key `ArrowLeft` and so on
 * @param {boolean} [mirrored] whether one reads from right to left
 * @returns {number | undefined} its index; `undefined` where there is none
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
