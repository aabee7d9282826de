// Requests to the server, and refusals as errors that say what, why and how to mend it.

import { connection } from './connection.js';
import { renewSession } from './session.js';

/** A refusal of the server; `hint` says what would help, `param` names the field. */
export class Refusal extends Error {
  constructor({ message, code, param, hint }, status) {
    super(message);
    this.code = code;
    this.param = param;
    this.hint = hint;
    this.status = status;
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  constructor() {
    super('The server does not answer.');
    this.hint = 'The page goes on by itself as soon as it is back.';
  }
}

async function refusal(response) {
  let error;
  try {
    ({ error } = await response.clone().json());
  } catch {
    error = undefined;
  }
  return new Refusal(error ?? { message: `The server answered ${response.status} ${response.statusText}.` }, response.status);
}

async function answerTo(path, options) {
  try {
    return await fetch(path, { credentials: 'same-origin', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    connection.lost();
    throw new Unreachable();
  }
}

/**
 * Fetch; `Unreachable` where nobody answers, `Refusal` where the answer is no.
 *
 * A session ends with the server that gave it: where it is missing, a new one is got, once.
 */
export async function request(path, options = {}) {
  let response = await answerTo(path, options);
  if (response.status === 401 && (await renewSession((await refusal(response)).code))) response = await answerTo(path, options);
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function getJson(path, options = {}) {
  return (await request(path, options)).json();
}

/** Send JSON; the answer as JSON, or null where there is none. */
export async function sendJson(method, path, body, options = {}) {
  const headers = { 'Content-Type': 'application/json' };
  const response = await request(path, { method, headers, body: JSON.stringify(body ?? {}), ...options });
  return response.status === 204 ? null : response.json();
}

/** Send the bytes of a picture or a zip. */
export async function sendBytes(path, blob, type = blob.type) {
  const response = await request(path, { method: 'POST', headers: { 'Content-Type': type }, body: blob });
  return response.json();
}

/** A path with a query, of which empty values are left out. */
export function withQuery(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
