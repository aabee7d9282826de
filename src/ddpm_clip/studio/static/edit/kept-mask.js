// The mask of the picture that is edited: kept in this tab over reloads, and while another kind of editing is shown.

import { Mask } from './mask.js';

const KEY = 'mask';

/** Keep the mask of picture `id`, in the place of that of any other. */
export function keepMask(id, mask) {
  const { width, height, runs } = mask;
  sessionStorage.setItem(KEY, JSON.stringify({ id, width, height, runs }));
}

/** The mask that was kept of picture `id`, or an empty one. */
export function keptMask(id, width, height) {
  const mask = new Mask(width, height);
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
  if (kept?.id === id && kept.width === width && kept.height === height) mask.take(kept.runs);
  return mask;
}
