// The models that the server offers, and the one that this tab uses.

import { getJson } from './api.js';

const KEY = 'model';

class Models extends EventTarget {
  list = [];
  #id = null;

  /** The model in use, or null before the server has answered. */
  get current() {
    return this.list.find(({ id }) => id === this.#id) ?? null;
  }

  /** The model that does a kind of editing: the one in use, or the one that it was distilled from; null if neither can. */
  editing(kind) {
    const able = (model) => model?.edits.includes(kind);
    if (able(this.current)) return this.current;
    const teacher = this.list.find(({ id }) => id === this.current?.teacher);
    return able(teacher) ? teacher : null;
  }

  /** Resolves to the model in use as soon as there is one. */
  ready() {
    if (this.current) return Promise.resolve(this.current);
    return new Promise((resolve) => {
      this.addEventListener('change', () => resolve(this.current), { once: true });
    });
  }

  choose(id) {
    if (id === this.#id || !this.list.some((model) => model.id === id)) return;
    this.#id = id;
    sessionStorage.setItem(KEY, id);
    this.dispatchEvent(new Event('change'));
  }

  /** Take over the server's list; the tab's own choice stays where it still exists. */
  offer(list, standard) {
    this.list = list;
    const kept = sessionStorage.getItem(KEY);
    this.#id = null;
    this.choose(list.some(({ id }) => id === kept) ? kept : standard ?? list[0]?.id);
  }
}

export const models = new Models();

/** Ask the server for its models. */
export async function loadModels() {
  const answer = await getJson('/api/models');
  models.offer(answer.models, answer.default);
}
