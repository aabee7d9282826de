// Elements. Text enters the page as text nodes only, so no prompt is ever read as markup.

const SVG = 'http://www.w3.org/2000/svg';

/** Set one property of an element: `on…` listens, `class`, `dataset` and `text` mean what they say. */
function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
  else if (name === 'class') element.setAttribute('class', value);
  else if (name === 'dataset') Object.assign(element.dataset, value);
  else if (name === 'text') element.textContent = value;
  else if (name === 'value') element.value = value;
  else if (name === 'htmlFor') element.htmlFor = value;
  else element.setAttribute(name, value === true ? '' : value);
}

function filled(element, props, children) {
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  return element;
}

/** An HTML element with properties and children; strings become text. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** An SVG element. */
export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

/** Put these children in the place of all that an element holds. */
export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let counter = 0;

/** A new id, for a label that names its field. */
export function newId(stem) {
  counter += 1;
  return `${stem}-${counter}`;
}

/** Text of strangers (a prompt): isolated, and in the direction of its own script. */
export function bdi(text, props = {}) {
  return h('bdi', { dir: 'auto', ...props }, text);
}

const ICONS = {
  paint: 'M4 20c3 1 6 0 6-3a2.5 2.5 0 0 0-3-2.5C4.5 15 6 18 4 20zM10 14 19 4l1 1-8 10',
  map: 'M4 6l5-2 6 2 5-2v14l-5 2-6-2-5 2zM9 4v14M15 6v14',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  gallery: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  train: 'M4 4v16h16M7 9c2 6 5 7 12 8',
  light: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2',
  dark: 'M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z',
  auto: 'M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16',
  close: 'M5 5l14 14M19 5 5 19',
  look: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 21 21',
  save: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  play: 'M7 4l12 8-12 8z',
  pause: 'M7 4h3v16H7zM14 4h3v16h-3z',
};

/** A line drawing of 24 units, which says nothing to screen readers. */
export function icon(name) {
  return svg('svg', { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' }, svg('path', { d: ICONS[name] }));
}
