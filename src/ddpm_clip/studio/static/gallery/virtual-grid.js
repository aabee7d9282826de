// <virtual-grid>: a grid of any number of cells, of which only those in sight are in the page.

import { h } from '../core/dom.js';

const CELL = 132;
const ROW = 176;
const GAP = 12;
const ROWS_AROUND = 3;
const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (columns) => -columns, ArrowDown: (columns) => columns };

/** `draw(index)` makes a cell; `needed(count)` is told how many cells are wanted. */
class VirtualGrid extends HTMLElement {
  #list = h('ul', { class: 'virtual' });
  #cells = new Map();
  #count = 0;
  #columns = 1;
  #due = false;
  #draw = () => h('span');
  #needed = () => {};
  #observer = new ResizeObserver(() => this.#fit());
  #onScroll = () => this.#soon();

  build(draw, needed) {
    this.#draw = draw;
    this.#needed = needed;
    this.append(this.#list);
    this.addEventListener('keydown', (event) => this.#key(event));
    return this;
  }

  connectedCallback() {
    this.#observer.observe(this);
    window.addEventListener('scroll', this.#onScroll, { passive: true });
    window.addEventListener('resize', this.#onScroll);
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    window.removeEventListener('scroll', this.#onScroll);
    window.removeEventListener('resize', this.#onScroll);
  }

  /** Draw all cells in sight anew; there are `count` in all. */
  reset(count) {
    this.#count = count;
    for (const cell of this.#cells.values()) cell.remove();
    this.#cells.clear();
    this.#fit();
  }

  /** More cells than before; those that were drawn stay, but for the placeholders. */
  grow(count) {
    this.#count = count;
    for (const [index, cell] of this.#cells) {
      if (!cell.classList.contains('placeholder')) continue;
      cell.remove();
      this.#cells.delete(index);
    }
    this.#fit();
  }

  #fit() {
    if (!this.clientWidth) return;
    const columns = Math.max(1, Math.floor((this.clientWidth + GAP) / (CELL + GAP)));
    if (columns !== this.#columns) {
      this.#columns = columns;
      for (const [index, cell] of this.#cells) this.#put(cell, index);
    }
    this.#list.style.setProperty('height', `${Math.ceil(this.#count / columns) * ROW}px`);
    this.#show();
  }

  #soon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#show();
    });
  }

  /** Rows in sight, and some around them. */
  #range() {
    const { top } = this.#list.getBoundingClientRect();
    const first = Math.floor(-top / ROW) - ROWS_AROUND;
    const last = Math.ceil((window.innerHeight - top) / ROW) + ROWS_AROUND;
    return [Math.max(0, first * this.#columns), Math.min(this.#count, Math.max(0, last) * this.#columns)];
  }

  #show() {
    if (!this.isConnected) return;
    const [from, to] = this.#range();
    for (const [index, cell] of this.#cells) {
      if ((index >= from && index < to) || cell.contains(document.activeElement)) continue;
      cell.remove();
      this.#cells.delete(index);
    }
    for (let index = from; index < to; index += 1) {
      if (!this.#cells.has(index)) this.#add(index);
    }
    this.#needed(to);
  }

  #add(index) {
    const cell = this.#draw(index);
    cell.setAttribute('aria-posinset', index + 1);
    cell.setAttribute('aria-setsize', this.#count);
    cell.dataset.index = index;
    this.#put(cell, index);
    this.#cells.set(index, cell);
    const after = [...this.#cells.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    this.#list.insertBefore(cell, this.#cells.get(after) ?? null); // in reading order, for the tab key
  }

  #put(cell, index) {
    const [column, row] = [index % this.#columns, Math.floor(index / this.#columns)];
    cell.style.setProperty('transform', `translate(${column * (CELL + GAP)}px, ${row * ROW}px)`);
  }

  /** Arrow keys go from picture to picture. */
  #key(event) {
    const step = STEPS[event.key];
    const here = event.target.closest('li');
    if (!step || !here || !event.target.matches('button')) return;
    const index = Number(here.dataset.index) + step(this.#columns);
    if (index < 0 || index >= this.#count) return;
    event.preventDefault();
    const top = this.#list.getBoundingClientRect().top + Math.floor(index / this.#columns) * ROW;
    if (top < 0 || top + ROW > window.innerHeight) window.scrollBy({ top: top - window.innerHeight / 2, behavior: 'instant' });
    this.#show();
    this.#cells.get(index)?.querySelector('button')?.focus({ preventScroll: true });
  }
}

customElements.define('virtual-grid', VirtualGrid);
