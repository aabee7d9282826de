// <number-slider>: a slider and a field for the same number, with one label.

import { h, newId } from '../core/dom.js';

/** Property `value`: the number. Event `change`: the person chose another one. */
class NumberSlider extends HTMLElement {
  #value;
  #field;
  #range;

  /** Build it; `hint` is a sentence below the label. */
  build({ label, min, max, step, value, hint }) {
    const id = newId('number');
    const limits = { min, max, step };
    this.#field = h('input', { id, type: 'number', inputmode: 'decimal', ...limits, onchange: () => this.#take(this.#field) });
    this.#range = h('input', { type: 'range', 'aria-label': `${label}, slider`, ...limits, oninput: () => this.#take(this.#range) });
    this.append(h('label', { htmlFor: id }, label), this.#field, this.#range);
    if (hint) {
      this.append(h('p', { class: 'hint', id: `${id}-hint` }, hint));
      for (const input of [this.#field, this.#range]) input.setAttribute('aria-describedby', `${id}-hint`);
    }
    this.value = value;
    return this;
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    this.#value = value;
    this.#field.value = value;
    this.#range.value = value;
  }

  /** Other limits, of another model. */
  limit({ min, max }) {
    for (const input of [this.#field, this.#range]) {
      input.min = min;
      input.max = max;
    }
    this.value = this.#inside(this.#value);
  }

  #inside(value) {
    const { min, max, step } = this.#field;
    const inside = Math.min(Number(max), Math.max(Number(min), value));
    return Number.isInteger(Number(step)) ? Math.round(inside) : inside;
  }

  /** Take what was typed or drawn, moved inside the limits; what is no number changes nothing. */
  #take(input) {
    const typed = input.value === '' ? NaN : Number(input.value);
    this.value = Number.isFinite(typed) ? this.#inside(typed) : this.#value;
    this.dispatchEvent(new Event('change'));
  }
}

customElements.define('number-slider', NumberSlider);

/** `numberSlider({ label, min, max, step, value, hint }, onChange)`. */
export function numberSlider(options, onChange) {
  const slider = h('number-slider').build(options);
  slider.addEventListener('change', () => onChange(slider.value));
  return slider;
}
