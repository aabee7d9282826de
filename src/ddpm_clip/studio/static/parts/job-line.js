// <job-line>: how far a job is, and the button that cancels it.

import { h } from '../core/dom.js';
import { number } from '../core/format.js';

class JobLine extends HTMLElement {
  #bar = h('progress', { max: 1, value: 0, 'aria-label': 'Progress' });
  #text = h('span', { class: 'job-text', tabindex: -1 });
  #cancel = h('button', { type: 'button', class: 'quiet small' }, 'Cancel');
  #begun = 0;

  connectedCallback() {
    if (this.firstChild) return;
    this.append(this.#bar, this.#text, this.#cancel);
    this.#cancel.addEventListener('click', () => this.dispatchEvent(new Event('cancel')));
    this.rest('');
  }

  queued(position) {
    this.#show(0, position ? `waiting, ${position} before` : 'waiting');
  }

  started() {
    this.#begun = performance.now();
    this.#show(0, 'painting');
  }

  step(step, steps, text = `step ${number(step)} of ${number(steps)}`) {
    this.#show(step / steps, text);
  }

  /** What is being done, without a known share. */
  busy(text) {
    this.#show(null, text);
  }

  /** Whether the focus is in it. */
  get isHeld() {
    return this.contains(document.activeElement);
  }

  /** Take the focus from a button that goes away because it started this job. */
  hold() {
    this.#cancel.focus();
  }

  /** Over: one sentence stays, which takes the focus of the button that goes. */
  rest(text) {
    if (this.isHeld) this.#text.focus();
    this.#bar.hidden = true;
    this.#cancel.hidden = true;
    this.#text.textContent = text;
    this.classList.remove('running');
  }

  /** Milliseconds since the job was started. */
  get elapsed() {
    return performance.now() - this.#begun;
  }

  #show(share, text) {
    this.#bar.hidden = false;
    this.#cancel.hidden = false;
    this.classList.add('running');
    if (share === null) this.#bar.removeAttribute('value');
    else this.#bar.value = share;
    this.#text.textContent = text;
  }
}

customElements.define('job-line', JobLine);

export function jobLine(onCancel) {
  return h('job-line', { oncancel: onCancel });
}
