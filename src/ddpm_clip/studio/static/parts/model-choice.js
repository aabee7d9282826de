// The choice of the model, in the head of the page.

import { h, replace } from '../core/dom.js';
import { models } from '../core/models.js';

export function modelChoice() {
  const select = h('select', { 'aria-label': 'Model', onchange: () => models.choose(select.value) });
  const show = () => {
    replace(select, ...models.list.map(({ id, title }) => h('option', { value: id }, title)));
    if (!models.list.length) replace(select, h('option', {}, 'loading …'));
    select.disabled = models.list.length < 1;
    if (models.current) {
      select.value = models.current.id;
      select.title = models.current.description ?? '';
    }
  };
  models.addEventListener('change', show);
  show();
  return select;
}
