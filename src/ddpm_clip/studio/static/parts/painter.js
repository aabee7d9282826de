// One part of the page that paints: the last wish wins, and a reload finds its job again.

import { cancel, follow, note, notedJob, submit } from '../core/jobs.js';

/**
 * Paints one wish at a time.
 *
 * `shown` has functions for what is to be seen: `asked(fields)` and the events of a job
 * (`queued, started, step, part, warning, done, failed, cancelled`), and `refused(error)`.
 */
export class Painter {
  #part;
  #shown;
  #turn = 0;
  #job = null;
  #stop = () => {};

  constructor(part, shown) {
    this.#part = part;
    this.#shown = shown;
  }

  /** Ask for a job of `kind`; the one that runs is cancelled. */
  async ask(kind, fields) {
    this.#turn += 1;
    const turn = this.#turn;
    const replaces = this.#job ? { replaces: this.#job } : {};
    this.#stop();
    this.#shown.asked(fields);
    try {
      const id = await submit(kind, { ...fields, ...replaces });
      if (turn === this.#turn) this.#go(id, kind, fields);
      else await cancel(id);
    } catch (error) {
      if (turn === this.#turn) this.#shown.refused(error);
    }
  }

  /** Cancel what runs, or is on its way to the server. */
  async cancel() {
    this.#turn += 1;
    this.#stop();
    const job = this.#job;
    this.#job = null;
    note(this.#part, null);
    this.#shown.cancelled({});
    if (job) await cancel(job);
  }

  /** Go on with the job that this tab had before it was loaded again; false if it had none. */
  resume() {
    const noted = notedJob(this.#part);
    if (!noted) return false;
    this.#shown.asked(noted.fields);
    this.#go(noted.id, noted.kind, noted.fields);
    return true;
  }

  #go(id, kind, fields) {
    this.#stop();
    this.#job = id;
    note(this.#part, { id, kind, fields });
    const over = (handler) => (data) => {
      if (this.#job === id) this.#job = null;
      handler?.(data);
    };
    this.#stop = follow(id, {
      ...this.#shown,
      done: over(this.#shown.done),
      failed: over(this.#shown.failed),
      cancelled: over((data) => {
        note(this.#part, null);
        this.#shown.cancelled(data);
      }),
      lost: over(() => {
        note(this.#part, null);
        this.ask(kind, fields);
      }),
    });
  }
}
