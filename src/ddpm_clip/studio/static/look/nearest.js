// The training pictures that are most like a painted one.

import { h, replace } from '../core/dom.js';
import { number } from '../core/format.js';
import { resultOf } from '../core/jobs.js';
import { sizeOf } from '../core/known-pictures.js';
import { refusalNotice, unavailableNotice } from '../parts/notice.js';
import { pixelPicture } from '../parts/pixel-picture.js';

function listOf({ pictures }, record) {
  const { width, height } = sizeOf(record);
  const scale = Math.max(1, Math.floor(96 / width));
  const hint = h('p', { class: 'hint' }, 'Those that the model takes to be most like this one. 1 would be the same.');
  const list = h('ul', { class: 'row-of-pictures' }, ...pictures.map(({ url, label, similarity }) => h('li', {},
    pixelPicture({ url, alt: label ?? 'a training picture', width, height, scale }),
    h('span', { class: 'hint' }, label ? `${label}, ` : '', number(similarity)))));
  return [hint, list];
}

export function nearestSection(record) {
  const body = h('div', {}, h('p', { class: 'hint' }, 'Looking for them …'));
  resultOf('nearest', { model: record.model, picture: record.id })
    .then((result) => replace(body, ...(result.unavailable ? [unavailableNotice(result.unavailable)] : listOf(result, record))))
    .catch((error) => replace(body, refusalNotice(error)));
  return h('section', {}, h('h3', {}, 'Nearest training pictures'), body);
}
