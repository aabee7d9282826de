// Taking over what made a picture: in Paint, or on the map where it was painted from a point.

import { h } from '../core/dom.js';
import { goTo } from '../core/router.js';
import { mapForm } from '../map/map-form.js';
import { paintForm, restore } from '../paint/paint-form.js';

/** A button that takes the settings over; nothing for an edit, which starts from another picture. */
export function useAgain(record, kind = 'primary') {
  const { mode, at } = record.parameters ?? {};
  const button = (name, action) => h('button', { type: 'button', class: kind, onclick: action }, name);
  if (mode === 'point' && at) {
    return button('Show on the map', () => {
      mapForm.set({ at, path: null });
      goTo('map');
    });
  }
  if (mode) return '';
  return button('Paint with these settings', () => {
    restore(paintForm, record);
    goTo('paint');
  });
}
