// What a person has set in a view: kept in this tab over reloads, apart from other tabs.

/** A record that tells of changes; `values` is plain data. */
export class Form extends EventTarget {
  #key;

  constructor(name, defaults) {
    super();
    this.#key = `form:${name}`;
    this.values = { ...defaults, ...JSON.parse(sessionStorage.getItem(this.#key) ?? '{}') };
  }

  /** Change some values, keep them, and say which ones changed. */
  set(changes, source = null) {
    const changed = Object.keys(changes).filter((name) => this.values[name] !== changes[name]);
    if (!changed.length) return;
    Object.assign(this.values, changes);
    sessionStorage.setItem(this.#key, JSON.stringify(this.values));
    this.dispatchEvent(new CustomEvent('change', { detail: { changed, source } }));
  }
}
