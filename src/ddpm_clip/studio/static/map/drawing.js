// How the map is drawn: clouds of pictures and words, the prompt with its bridges, point and path.

const DOT = 2.6;
const THUMB = 26;
const MOST_THUMBS = 220;
const LABELS = '13px system-ui, "Liberation Sans", sans-serif';
const PALETTE = ['#4c7bd9', '#d9803a', '#3f9c6b', '#c2506b', '#8a6fd1', '#a58a2a', '#2f9fb0', '#b0609f', '#6f8f3a', '#8b8597'];

/** The colours of the page, as the canvas needs them. */
export function coloursOf(element) {
  const read = (name) => {
    element.style.setProperty('color', `var(${name})`);
    return getComputedStyle(element).color;
  };
  const names = ['ink', 'soft', 'accent', 'card', 'edge', 'bad'];
  const colours = Object.fromEntries(names.map((name) => [name, read(`--${name}`)]));
  element.style.removeProperty('color');
  return colours;
}

/** A colour for each label, as long as there are ten or fewer; else one for all. */
export function labelColours(pictures) {
  const labels = [...new Set(pictures.map(({ label }) => label).filter(Boolean))].sort();
  if (labels.length > PALETTE.length) return new Map();
  return new Map(labels.map((label, i) => [label, PALETTE[i]]));
}

function disc(context, [column, row], radius) {
  context.beginPath();
  context.arc(column, row, radius, 0, 2 * Math.PI);
}

function inside([column, row], { width, height }) {
  return column > -THUMB && row > -THUMB && column < width + THUMB && row < height + THUMB;
}

/** The cloud of pictures: dots, and the pictures themselves where few enough are seen. */
export function drawPictures(context, view, pictures, { colours, byLabel, thumbs }) {
  const seen = pictures.map((picture) => [picture, view.toPixels([picture.x, picture.y])]).filter(([, at]) => inside(at, view));
  const asPictures = seen.length <= MOST_THUMBS;
  context.imageSmoothingEnabled = false;
  for (const [picture, [column, row]] of seen) {
    const image = asPictures && picture.thumb ? thumbs(picture.thumb) : null;
    if (image) context.drawImage(image, column - THUMB / 2, row - THUMB / 2, THUMB, THUMB);
    else {
      context.fillStyle = byLabel.get(picture.label) ?? colours.edge;
      context.globalAlpha = 0.55;
      disc(context, [column, row], DOT);
      context.fill();
      context.globalAlpha = 1;
    }
  }
}

/** The box of a text that begins at a pixel. */
function boxOf(context, text, [column, row]) {
  context.font = LABELS;
  return { left: column, right: column + context.measureText(text).width + 2, top: row - 12, bottom: row + 4 };
}

function isFree(box, taken) {
  return taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom);
}

/** A text with a halo, so that it can be read above the clouds. */
function written(context, text, [column, row], colour, { card }) {
  context.font = LABELS;
  context.lineWidth = 4;
  context.lineJoin = 'round';
  context.strokeStyle = card;
  context.strokeText(text, column, row);
  context.fillStyle = colour;
  context.fillText(text, column, row);
}

/** Write a label beside a pixel, at the first height that is free; its box is taken then. */
function label(context, text, [column, row], colour, colours, taken, heights) {
  for (const height of heights) {
    const at = [column, row + height];
    const box = boxOf(context, text, at);
    if (!isFree(box, taken)) continue;
    taken.push(box);
    written(context, text, at, colour, colours);
    return;
  }
}

/** The cloud of words; a label that would lie on another is left out until one zooms in. */
export function drawWords(context, view, words, colours, taken) {
  for (const { x, y, text } of words) {
    const at = view.toPixels([x, y]);
    if (!inside(at, view)) continue;
    context.fillStyle = colours.ink;
    context.save();
    context.translate(...at);
    context.rotate(Math.PI / 4);
    context.fillRect(-3, -3, 6, 6);
    context.restore();
    if (boxOf(context, text, at).right < view.width - 8) label(context, text, [at[0] + 7, at[1]], colours.ink, colours, taken, [4]);
  }
}

/** Where the prompt falls as text, and where each bridge takes it; the boxes of labels are taken. */
export function drawPrompt(context, view, { text, bridges }, colours, taken) {
  const from = view.toPixels(text);
  const marks = Object.entries(bridges).map(([name, place]) => [name, view.toPixels(place)]);
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  for (const [, to] of marks) {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  }
  context.setLineDash([]);
  for (const [, to] of marks) {
    context.fillStyle = colours.accent;
    disc(context, to, 5);
    context.fill();
  }
  context.lineWidth = 3;
  context.fillStyle = colours.card;
  disc(context, from, 6);
  context.fill();
  context.stroke();
  label(context, 'the words', [from[0] + 11, from[1]], colours.accent, colours, taken, [4]);
  for (const [name, to] of marks) label(context, name, [to[0] + 9, to[1]], colours.accent, colours, taken, [4, 20, -12, 36, -28]);
}

/** The point that is painted from. */
export function drawPoint(context, view, at, colours) {
  const [column, row] = view.toPixels(at);
  for (const [colour, width] of [[colours.card, 5], [colours.ink, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(column + 4 * dx, row + 4 * dy);
      context.lineTo(column + 13 * dx, row + 13 * dy);
    }
    context.stroke();
  }
}

/** The path of a morph, with a knot a picture. */
export function drawPath(context, view, path, colours) {
  const points = path.map((point) => view.toPixels(point));
  context.strokeStyle = colours.ink;
  context.lineWidth = 2;
  context.beginPath();
  points.forEach((point, i) => (i ? context.lineTo(...point) : context.moveTo(...point)));
  context.stroke();
  context.fillStyle = colours.ink;
  for (const point of [points[0], points.at(-1)]) {
    disc(context, point, 4);
    context.fill();
  }
}
