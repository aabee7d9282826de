// What made a picture, and what can be done with it.

import { bdi, h } from '../core/dom.js';
import { number } from '../core/format.js';
import { goTo } from '../core/router.js';
import { editForm } from '../edit/edit-form.js';
import { useAgain } from './use-again.js';

const SHOWN = {
  model: 'Model', seed: 'Seed', steps: 'Steps', guidance: 'Guidance', sampler: 'Sampler', bridge: 'Bridge',
  negative: 'Not this', mode: 'Edit', strength: 'Strength', at: 'Point of the map',
};

/** The settings of a picture as pairs of a name and a text. */
export function settingsOf(record) {
  const known = { ...record.parameters };
  for (const key of ['seed', 'model']) known[key] = record[key] ?? known[key];
  return Object.entries(SHOWN)
    .filter(([key]) => known[key] !== undefined && known[key] !== null && known[key] !== '')
    .map(([key, name]) => [name, key === 'at' ? known.at.map(number).join(', ') : String(known[key])]);
}

export function settingsSection(record) {
  const list = settingsOf(record).map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, bdi(text))));
  const edit = () => {
    editForm.set({ picture: record });
    goTo('edit');
  };
  return h('div', { class: 'look-settings' },
    h('dl', { class: 'facts' }, ...list),
    h('div', { class: 'buttons' }, useAgain(record),
      h('button', { type: 'button', class: 'quiet', onclick: edit }, 'Edit'),
      h('a', { class: 'button quiet', href: record.url, download: `${record.id.slice(0, 12)}.png` }, 'Download')));
}
