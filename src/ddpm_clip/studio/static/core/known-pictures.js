// What this tab knows of pictures: their records, also after a reload.

import { getJson } from './api.js';

const KEY = 'pictures';
const MOST = 200;

const known = new Map(JSON.parse(sessionStorage.getItem(KEY) ?? '[]'));

/** Remember the records of pictures, the newest 200 of them. */
export function remember(records) {
  for (const record of records) {
    known.delete(record.id);
    known.set(record.id, record);
  }
  for (const id of known.keys()) {
    if (known.size <= MOST) break;
    known.delete(id);
  }
  sessionStorage.setItem(KEY, JSON.stringify([...known]));
}

/** Width and height of a picture; a guess where its record does not say. */
export function sizeOf({ width, height }) {
  return { width: width || 32, height: height || 32 };
}

/** The record of a picture; of one that this tab has not seen, that of the gallery. */
export async function recordOf(id) {
  return known.get(id) ?? getJson(`/api/gallery/${id}`);
}
