// Jobs of the server: submitted, followed by server-sent events, cancelled, found again on reload.

import { getJson, request, sendJson } from './api.js';
import { connection } from './connection.js';

const EVENTS = ['queued', 'started', 'step', 'part', 'warning', 'done', 'failed', 'cancelled'];
const LAST = new Set(['done', 'failed', 'cancelled']);

/** Ask for a job of this kind; resolves to its id. */
export async function submit(kind, fields) {
  const { id } = await sendJson('POST', '/api/jobs', { kind, ...fields });
  return id;
}

/** Cancel a job; one that is over or unknown is no matter. */
export async function cancel(id) {
  try {
    await request(`/api/jobs/${id}`, { method: 'DELETE' });
  } catch {
    // it ended before, or the server did
  }
}

/**
 * Follow a job to its end.
 *
 * `handlers` has a function for each event that is of interest, and `lost` for a job that the
 * server no longer knows. An interrupted stream goes on behind the last event that came.
 * Returns a function that stops following; the job goes on.
 */
export function follow(id, handlers) {
  const source = new EventSource(`/api/jobs/${id}/events`);
  const stop = () => source.close();
  for (const name of EVENTS) {
    source.addEventListener(name, (event) => {
      if (LAST.has(name)) stop();
      handlers[name]?.(JSON.parse(event.data));
    });
  }
  source.addEventListener('error', async () => {
    if (source.readyState === EventSource.CONNECTING) {
      connection.check();
      return;
    }
    stop();
    await explainEnd(id, handlers);
  });
  return stop;
}

/** The stream was refused: tell whether the job is over, unknown, or the server away. */
async function explainEnd(id, handlers) {
  try {
    const job = await getJson(`/api/jobs/${id}`);
    if (job.state === 'done') handlers.done?.({ result: job.result });
    else if (job.state === 'failed') handlers.failed?.({ error: job.error });
    else handlers.cancelled?.({});
  } catch (error) {
    if (error.status) handlers.lost?.();
    else connection.addEventListener('back', () => explainEnd(id, handlers), { once: true });
  }
}

/** The result of a short job, or its refusal. */
export async function resultOf(kind, fields, handlers = {}) {
  const id = await submit(kind, fields);
  return new Promise((resolve, reject) => {
    follow(id, {
      ...handlers,
      done: ({ result }) => resolve(result),
      failed: ({ error }) => reject(Object.assign(new Error(error.message), error)),
      cancelled: () => reject(new Error('It was cancelled.')),
      lost: () => reject(new Error('The server was started again, and this job ended with it.')),
    });
  });
}

const KEY = 'jobs';

function noted() {
  return JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
}

/** Note the job of a part of this tab, so that a reload finds it again; null forgets it. */
export function note(part, job) {
  const all = noted();
  if (job === null) delete all[part];
  else all[part] = job;
  sessionStorage.setItem(KEY, JSON.stringify(all));
}

/** What `note` kept, or null. */
export function notedJob(part) {
  return noted()[part] ?? null;
}
