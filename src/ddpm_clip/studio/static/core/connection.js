// Whether the server answers: noticed when a request fails, watched until it is back.

import { renewSession } from './session.js';

const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;

/** Says `lost` and `back`; `back` carries whether the server was started anew. */
class Connection extends EventTarget {
  #started = null;
  #away = false;

  /** Somebody noticed that the server does not answer. */
  lost() {
    if (this.#away) return;
    this.#away = true;
    this.dispatchEvent(new Event('lost'));
    this.#wait(FIRST_WAIT);
  }

  get away() {
    return this.#away;
  }

  /** Ask for the server's health; true if it answers. */
  async check() {
    try {
      const response = await fetch('/healthz', { cache: 'no-store' });
      if (!response.ok) return false;
      const { started } = await response.json();
      const anew = this.#started !== null && started !== this.#started;
      this.#started = started;
      if (this.#away || anew) await this.#back(anew);
      return true;
    } catch {
      this.lost();
      return false;
    }
  }

  #wait(delay) {
    setTimeout(async () => {
      if (!(await this.check())) this.#wait(Math.min(2 * delay, LONGEST_WAIT));
    }, delay);
  }

  async #back(anew) {
    this.#away = false;
    await renewSession();
    this.dispatchEvent(new CustomEvent('back', { detail: { anew } }));
  }
}

export const connection = new Connection();

/** Show in `bar` that the server is away, and for a moment that it is back. */
export function watchConnection(bar) {
  connection.addEventListener('lost', () => {
    bar.textContent = 'The server does not answer. Waiting for it; what you typed is kept.';
    bar.className = 'connection away';
    bar.hidden = false;
  });
  connection.addEventListener('back', ({ detail }) => {
    bar.textContent = detail.anew ? 'The server was started again. Going on.' : 'The server is back. Going on.';
    bar.className = 'connection';
    setTimeout(() => { bar.hidden = !connection.away; }, 4000);
  });
  connection.check();
}
