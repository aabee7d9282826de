// The pictures of the gallery that match a search, loaded page by page as they are needed.

import { getJson, sendJson, withQuery } from '../core/api.js';
import { remember } from '../core/known-pictures.js';

const FIRST = 60;
const PAGE = 400;

/** Event `change`: more pictures are there, or fewer. */
export class GalleryList extends EventTarget {
  items = [];
  total = 0;
  #query = '';
  #next = null;
  #turn = 0;
  #loading = null;

  /** Search anew; resolves when the first pictures are there. */
  async search(query) {
    this.#turn += 1;
    this.#query = query;
    this.#next = null;
    const turn = this.#turn;
    const answer = await this.#page(FIRST);
    if (turn !== this.#turn) return;
    this.items = [];
    this.#take(answer);
  }

  /** Load until at least `count` pictures are there, or all. */
  async upTo(count) {
    while (this.items.length < Math.min(count, this.total) && this.#next) {
      this.#loading ??= this.#more().finally(() => { this.#loading = null; });
      await this.#loading;
    }
  }

  async #more() {
    const turn = this.#turn;
    const answer = await this.#page(PAGE);
    if (turn === this.#turn) this.#take(answer);
  }

  #page(limit) {
    return getJson(withQuery('/api/gallery', { query: this.#query, before: this.#next, limit }));
  }

  #take({ pictures, next, total }) {
    this.items.push(...pictures);
    this.#next = next;
    this.total = total ?? (next ? this.items.length + 1 : this.items.length);
    this.dispatchEvent(new Event('change'));
  }

  /** Delete pictures from the disk. */
  async remove(ids) {
    await sendJson('DELETE', '/api/gallery', { ids });
    const gone = new Set(ids);
    const before = this.items.length;
    this.items = this.items.filter(({ id }) => !gone.has(id));
    this.total -= before - this.items.length;
    this.dispatchEvent(new Event('change'));
  }

  /** Note what is known of a picture before it is looked into. */
  know(item) {
    remember([item]);
  }
}
