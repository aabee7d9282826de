// Fields with their labels.

import { h, newId } from '../core/dom.js';

/** A label above a field. */
export function field(label, input, hint = '') {
  input.id ||= newId('field');
  const said = hint ? h('p', { class: 'hint', id: `${input.id}-hint` }, hint) : '';
  if (said) input.setAttribute('aria-describedby', said.id);
  return h('div', { class: 'field' }, h('label', { htmlFor: input.id }, label), input, said);
}

/** A group of radio buttons in one row: `segments(legend, {value: label}, value, onChange)`. */
export function segments(legend, options, value, onChange) {
  const name = newId('segments');
  const radio = ([key, label]) => {
    const input = h('input', { type: 'radio', name, value: key, onchange: () => onChange(key) });
    input.checked = key === value;
    return h('label', {}, input, h('span', {}, label));
  };
  return h('fieldset', { class: 'segments' }, h('legend', {}, legend), h('div', {}, ...Object.entries(options).map(radio)));
}
