// Gallery: what was painted, newest first: searched, compared, downloaded, deleted.

import '../parts/pixel-picture.js';
import './virtual-grid.js';
import { announce } from '../core/announce.js';
import { request } from '../core/api.js';
import { bdi, h, newId, replace } from '../core/dom.js';
import { counted, time } from '../core/format.js';
import { sizeOf } from '../core/known-pictures.js';
import { lookInto } from '../core/router.js';
import { afterPause } from '../core/wait.js';
import { complain, confirmed, refusalNotice, say } from '../parts/notice.js';
import { saveFile } from '../parts/save-file.js';
import { compare } from './compare.js';
import { GalleryList } from './gallery-list.js';

const PAUSE = 250;
const SIDE = 128;
const MOST_COMPARED = 6;
const KEY = 'gallery:query';

class GalleryView {
  constructor() {
    this.list = new GalleryList();
    this.selected = new Map();
    this.grid = h('virtual-grid').build((index) => this.cell(index), (count) => this.list.upTo(count).catch(complain));
    this.empty = h('p', { class: 'hint' });
    this.count = h('p', { class: 'hint' });
    this.actions = h('div', { class: 'gallery-actions' });
    this.messages = h('div', { class: 'messages' });
    this.element = this.draw();
    this.list.addEventListener('change', () => this.grown());
  }

  draw() {
    const id = newId('search');
    this.input = h('input', { id, type: 'search', dir: 'auto', placeholder: 'Search by words', value: sessionStorage.getItem(KEY) ?? '' });
    const soon = afterPause(PAUSE, () => this.search());
    this.input.addEventListener('input', soon);
    return h('div', { class: 'gallery' }, h('h1', {}, 'Gallery'),
      h('div', { class: 'gallery-head' }, h('label', { htmlFor: id, class: 'visually-hidden' }, 'Search the gallery by words'), this.input, this.count),
      this.actions, this.messages, this.empty, this.grid);
  }

  enter() {
    this.search();
  }

  async search() {
    const query = this.input.value.trim();
    sessionStorage.setItem(KEY, query);
    try {
      this.anew = true;
      await this.list.search(query);
      announce(counted(this.list.total, 'picture'));
    } catch (error) {
      replace(this.messages, refusalNotice(error));
    }
  }

  grown() {
    if (this.anew) this.grid.reset(this.list.total);
    else this.grid.grow(this.list.total);
    this.anew = false;
    replace(this.messages);
    this.count.textContent = counted(this.list.total, 'picture');
    this.empty.hidden = this.list.total > 0;
    this.empty.textContent = this.input.value ? 'No picture has these words.' : 'Nothing yet. What is painted with the Paint button, or left standing for two seconds, is kept here.';
    this.drawActions();
  }

  /** One picture: it opens, and can be selected. */
  cell(index) {
    const item = this.list.items[index];
    if (!item) return h('li', { class: 'cell placeholder' });
    const alt = item.prompt || 'a picture without words';
    const { width, height } = sizeOf(item);
    const picture = h('pixel-picture', {}, h('img', { src: item.url, alt, decoding: 'async', draggable: 'false' }));
    picture.resize(width, height, SIDE > width ? Math.floor(SIDE / Math.max(width, height)) : SIDE / Math.max(width, height));
    const open = () => {
      this.list.know(item);
      lookInto(item.id);
    };
    const select = h('input', { type: 'checkbox', 'aria-label': `Select: ${alt}, seed ${item.seed}`, onchange: () => this.select(item, select.checked) });
    select.checked = this.selected.has(item.id);
    return h('li', { class: 'cell' },
      h('div', { class: 'cell-picture' }, h('div', { class: 'frame' }, picture,
        h('button', { type: 'button', class: 'open', 'aria-label': `Look inside: ${alt}, seed ${item.seed}`, title: time(item.time), onclick: open }))),
      h('label', { class: 'select' }, select), h('p', { class: 'cell-text' }, bdi(item.prompt || 'without words')));
  }

  select(item, on) {
    if (on) this.selected.set(item.id, item);
    else this.selected.delete(item.id);
    this.drawActions();
  }

  drawActions() {
    const count = this.selected.size;
    this.actions.hidden = count === 0;
    if (!count) return;
    const action = (name, run, off = false) => h('button', { type: 'button', class: 'quiet small', disabled: off, onclick: run }, name);
    replace(this.actions, h('span', {}, `${count} selected`),
      action('Side by side', () => compare([...this.selected.values()]), count < 2 || count > MOST_COMPARED),
      action(count === 1 ? 'Download' : 'Download as zip', () => this.download()),
      action('Delete', () => this.remove()),
      action('Select none', () => this.clear()));
  }

  clear() {
    this.selected.clear();
    this.grid.reset(this.list.total);
    this.drawActions();
    this.input.focus();
  }

  async download() {
    const [first, ...others] = this.selected.values();
    try {
      if (!others.length) {
        saveFile(await (await request(first.url)).blob(), `${first.id.slice(0, 12)}.png`);
        return;
      }
      const response = await request('/api/gallery/zip', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ids: [...this.selected.keys()] }),
      });
      saveFile(await response.blob(), 'pictures.zip');
    } catch (error) {
      complain(error);
    }
  }

  async remove() {
    const ids = [...this.selected.keys()];
    if (!(await confirmed(`Delete ${counted(ids.length, 'picture')} from the disk? This cannot be undone.`, 'Delete'))) return;
    try {
      this.anew = true;
      await this.list.remove(ids);
      this.clear();
      say(`Deleted ${counted(ids.length, 'picture')}.`);
    } catch (error) {
      complain(error);
    }
  }
}

export function createView() {
  const view = new GalleryView();
  return { element: view.element, enter: () => view.enter() };
}
