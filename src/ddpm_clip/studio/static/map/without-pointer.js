// The map without a pointer: coordinates to type, words to choose from.

import { bdi, h, newId, replace } from '../core/dom.js';
import { number } from '../core/format.js';

function coordinate(name) {
  const id = newId('coordinate');
  const input = h('input', { id, type: 'number', step: 'any', value: 0 });
  return { input, element: h('div', { class: 'field' }, h('label', { htmlFor: id }, name), input) };
}

function wordChoice(name) {
  const id = newId('word');
  const select = h('select', { id });
  return { select, element: h('div', { class: 'field' }, h('label', { htmlFor: id }, name), select) };
}

/** `withoutPointer({ onPoint, onPath })`: an element with `show(map)` and `mark(at)`. */
export function withoutPointer({ onPoint, onPath }) {
  const [across, up] = [coordinate('Across'), coordinate('Up')];
  const [from, to] = [wordChoice('From'), wordChoice('To')];
  const list = h('ul', { class: 'word-list' });
  let words = [];
  const here = h('button', { type: 'button', class: 'quiet', onclick: () => onPoint([Number(across.input.value), Number(up.input.value)]) }, 'Paint from here');
  const morph = h('button', { type: 'button', class: 'quiet', onclick: () => onPath([from, to].map(({ select }) => words[select.value]).map(({ x, y }) => [x, y])) }, 'Morph');
  const element = h('details', { class: 'more without-pointer' }, h('summary', {}, 'By numbers and words'),
    h('div', { class: 'inline-fields' }, across.element, up.element, here),
    h('div', { class: 'inline-fields' }, from.element, to.element, morph), list);

  element.show = (map) => {
    words = map.words;
    replace(list, ...words.map(({ text, x, y }) => h('li', {},
      h('button', { type: 'button', class: 'chip', onclick: () => onPoint([x, y]) }, bdi(text), h('span', { class: 'hint' }, ` ${number(x)}, ${number(y)}`)))));
    for (const { select } of [from, to]) replace(select, ...words.map(({ text }, i) => h('option', { value: i, dir: 'auto' }, text)));
    to.select.value = Math.min(1, words.length - 1);
    morph.disabled = words.length < 2;
  };
  element.mark = ([x, y]) => {
    across.input.value = Number(x.toPrecision(4));
    up.input.value = Number(y.toPrecision(4));
  };
  return element;
}
