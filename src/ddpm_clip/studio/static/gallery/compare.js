// Pictures side by side, with the settings in which they differ.

import { bdi, h, icon } from '../core/dom.js';
import { sizeOf } from '../core/known-pictures.js';
import { pixelPicture } from '../parts/pixel-picture.js';

const SHOWN = { prompt: 'Prompt', model: 'Model', seed: 'Seed', steps: 'Steps', guidance: 'Guidance', sampler: 'Sampler', bridge: 'Bridge', negative: 'Not this', mode: 'Edit' };

function valuesOf(record) {
  const all = { ...record.parameters, prompt: record.prompt, seed: record.seed, model: record.model };
  return Object.fromEntries(Object.keys(SHOWN).map((key) => [key, all[key] === undefined || all[key] === null ? '' : String(all[key])]));
}

/** Show these pictures in a dialog. */
export function compare(records) {
  const values = records.map(valuesOf);
  const rows = Object.entries(SHOWN).filter(([key]) => values.some((each) => each[key])).map(([key, name]) => {
    const differs = new Set(values.map((each) => each[key])).size > 1;
    return h('tr', { class: differs ? 'differs' : '' }, h('th', { scope: 'row' }, name), ...values.map((each) => h('td', {}, bdi(each[key]))));
  });
  const pictures = records.map((record) => {
    const { width, height } = sizeOf(record);
    const scale = Math.max(1, Math.floor((records.length > 3 ? 128 : 224) / width));
    return h('td', {}, h('div', { class: 'frame' }, pixelPicture({ url: record.url, alt: record.prompt || 'a picture without words', width, height, scale })));
  });
  const dialog = h('dialog', { class: 'look compare', 'aria-label': 'Pictures side by side' });
  const close = () => dialog.remove();
  dialog.append(
    h('header', {}, h('h2', {}, 'Side by side'), h('button', { type: 'button', class: 'bare', 'aria-label': 'Close', onclick: close }, icon('close'))),
    h('div', { class: 'look-body' }, h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Comparison' }, h('table', {},
      h('tbody', {}, h('tr', {}, h('th', { scope: 'row' }, h('span', { class: 'visually-hidden' }, 'Picture')), ...pictures), ...rows))),
    h('p', { class: 'hint' }, 'Settings in which they differ are marked.')));
  dialog.addEventListener('close', close);
  document.body.append(dialog);
  dialog.showModal();
}
