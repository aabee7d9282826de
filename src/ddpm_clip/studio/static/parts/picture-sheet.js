// <picture-sheet>: the pictures of one job, as large as whole-number scales allow.

import { h, icon, replace } from '../core/dom.js';
import { lookInto } from '../core/router.js';
import { pixelPicture } from './pixel-picture.js';

const GAP = 12;
const FOOT = 32; // of a tile: its seed, and its download
const LARGEST = 12;

/** Columns and scale that show `count` pictures of w x h largest in this space. */
export function layout(count, width, height, space, tall) {
  let best = { columns: 1, scale: 1 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = Math.floor((space - GAP * (columns - 1)) / (columns * width));
    const down = Math.floor((tall - GAP * (rows - 1) - FOOT * rows) / (rows * height));
    const scale = Math.min(LARGEST, across, Math.max(down, 2));
    if (scale > best.scale) best = { columns, scale };
  }
  return best;
}

/** How tall a sheet may be, so that it is seen without scrolling. */
function tallest() {
  return Math.max(240, Math.min(window.innerHeight * 0.62, 560));
}

class PictureSheet extends HTMLElement {
  #tiles = [];
  #size = [32, 32];
  #list = h('ul', { class: 'tiles' });
  #late = 0;
  #observer = new ResizeObserver(() => this.#fit());

  connectedCallback() {
    this.append(this.#list);
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    this.#observer.disconnect();
  }

  /**
   * Make room for `count` pictures of [height, width]; those that are shown stay until replaced, and
   * fade if they are not within `patience` milliseconds.
   */
  expect(count, [height, width], patience = 0) {
    this.#size = [width, height];
    while (this.#tiles.length > count) this.#tiles.pop().item.remove();
    while (this.#tiles.length < count) this.#tiles.push(this.#tile());
    clearTimeout(this.#late);
    if (patience) this.#late = setTimeout(() => this.classList.add('waiting'), patience);
    else this.classList.add('waiting');
    this.#fit();
  }

  /** Show what a step foresees: one data URL a picture. */
  preview(urls, alt) {
    this.rest();
    this.classList.add('emerging');
    urls.forEach((url, i) => this.#tiles[i]?.picture.show(url, `${alt}, still being painted`));
  }

  /** Show finished pictures; each opens into its inside. */
  finish(records) {
    if (records.length) this.expect(records.length, [records[0].height, records[0].width]);
    this.rest();
    records.forEach((record, i) => this.#finishTile(this.#tiles[i], record));
  }

  /** Stop waiting: what is shown is all that comes. */
  rest() {
    clearTimeout(this.#late);
    this.classList.remove('waiting', 'emerging');
  }

  empty() {
    this.#tiles = [];
    replace(this.#list);
    this.rest();
  }

  #tile() {
    const picture = pixelPicture({});
    const frame = h('div', { class: 'frame' }, picture);
    const foot = h('div', { class: 'tile-foot' });
    const item = h('li', {}, frame, foot);
    this.#list.append(item);
    return { item, frame, picture, foot };
  }

  #finishTile({ frame, picture, foot, item }, record) {
    const alt = record.prompt || 'a picture without words';
    picture.show(record.url, alt);
    item.dataset.picture = record.id;
    const open = h('button', { type: 'button', class: 'open', 'aria-label': `Look inside: ${alt}, seed ${record.seed}`, onclick: () => lookInto(record.id) });
    replace(frame, picture, open);
    replace(
      foot,
      record.seed === undefined || record.seed === null ? '' : h('span', {}, `seed ${record.seed}`),
      h('a', { class: 'bare', href: record.url, download: `${record.id.slice(0, 12)}.png`, title: 'Download', 'aria-label': `Download: ${alt}` }, icon('save')),
    );
  }

  #fit() {
    if (!this.#tiles.length || !this.clientWidth) return;
    const [width, height] = this.#size;
    const { columns, scale } = layout(this.#tiles.length, width, height, this.clientWidth, tallest());
    this.style.setProperty('--columns', columns);
    for (const { picture } of this.#tiles) picture.resize(width, height, scale);
  }
}

customElements.define('picture-sheet', PictureSheet);
