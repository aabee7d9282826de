// <mask-brush>: a picture on which one marks, with a brush or by numbers, what shall be painted anew.

import { h, newId } from '../core/dom.js';
import { number } from '../core/format.js';
import { numberSlider } from '../parts/number-slider.js';
import { keepMask, keptMask } from './kept-mask.js';

const MARK = [145, 84, 255, 150];

class MaskBrush extends HTMLElement {
  #canvas = h('canvas', { class: 'mask', 'aria-hidden': 'true' });
  #said = h('output', { class: 'hint' });
  #size = 6;
  #erases = false;
  #last = null;
  #of = null;
  mask = null;

  /** Build it around `frame`, which shows the picture `id` of width x height; what was marked in it is marked again. */
  build(frame, id, width, height) {
    this.#of = id;
    this.mask = keptMask(id, width, height);
    frame.append(this.#canvas);
    this.#canvas.addEventListener('pointerdown', (event) => this.#down(event));
    this.#canvas.addEventListener('pointermove', (event) => this.#last && this.#draw(event));
    for (const end of ['pointerup', 'pointercancel']) this.#canvas.addEventListener(end, () => this.#up());
    this.append(this.#tools(), this.#numbers(width, height), this.#said);
    this.#show();
    return this;
  }

  end() {
    this.#canvas.remove();
    this.remove();
  }

  #tools() {
    const erase = h('input', { type: 'checkbox', onchange: () => { this.#erases = erase.checked; } });
    const act = (name, action) => h('button', { type: 'button', class: 'quiet small', onclick: () => { action(); this.#show(true); } }, name);
    return h('div', { class: 'brush-tools' },
      numberSlider({ label: 'Brush, in pixels', min: 1, max: 16, step: 1, value: this.#size }, (value) => { this.#size = value; }),
      h('label', { class: 'check' }, erase, h('span', {}, 'erase')),
      act('Invert', () => this.mask.invert()), act('Clear', () => this.mask.clear()));
  }

  /** A rectangle by numbers, for whoever draws without a pointer. */
  #numbers(width, height) {
    const cell = (name, max, value) => {
      const id = newId('rectangle');
      return [h('div', { class: 'field' }, h('label', { htmlFor: id }, name), h('input', { id, type: 'number', min: 0, max, step: 1, value }))];
    };
    const fields = [cell('Left', width - 1, 0), cell('Top', height - 1, 0), cell('Width', width, Math.floor(width / 2)), cell('Height', height, height)].flat();
    const add = () => {
      this.mask.rectangle(...fields.map((element) => Math.round(Number(element.querySelector('input').value))));
      this.#show(true);
    };
    return h('details', { class: 'more' }, h('summary', {}, 'A rectangle by numbers'),
      h('div', { class: 'inline-fields' }, ...fields, h('button', { type: 'button', class: 'quiet', onclick: add }, 'Add')));
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.mask.width, ((event.clientY - box.top) / box.height) * this.mask.height];
  }

  #down(event) {
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#last = this.#place(event);
    this.#draw(event);
  }

  #draw(event) {
    const at = this.#place(event);
    this.mask.stroke(this.#last, at, this.#size, !this.#erases);
    this.#last = at;
    this.#show();
  }

  #up() {
    if (!this.#last) return;
    this.#last = null;
    this.#show(true);
  }

  #show(over = false) {
    this.mask.drawOn(this.#canvas, MARK, [0, 0, 0, 0]);
    this.#said.textContent = `${number(Math.round(100 * this.mask.share))} % of the picture will be painted anew.`;
    if (!over) return;
    keepMask(this.#of, this.mask);
    this.dispatchEvent(new Event('change'));
  }
}

customElements.define('mask-brush', MaskBrush);
