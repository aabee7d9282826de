// Look inside: everything about one picture, in a dialog above the view.

import { bdi, h, icon, replace } from '../core/dom.js';
import { recordOf, sizeOf } from '../core/known-pictures.js';
import { leaveLook } from '../core/router.js';
import { refusalNotice } from '../parts/notice.js';
import { pixelPicture } from '../parts/pixel-picture.js';
import { nearestSection } from './nearest.js';
import { settingsSection } from './picture-settings.js';
import { traceSection } from './trace.js';
import { whySection } from './why.js';

const SIDE = 256;

let open = null;

/** Open the dialog for a picture. */
export async function openLook(id) {
  if (open?.id === id) return;
  closeLook();
  const title = h('h2', { id: 'look-title' }, 'Look inside');
  const body = h('div', { class: 'look-body' }, h('p', { class: 'hint' }, 'Loading …'));
  const dialog = h('dialog', { class: 'look', 'aria-labelledby': 'look-title' },
    h('header', {}, title, h('button', { type: 'button', class: 'bare', 'aria-label': 'Close', onclick: leaveLook }, icon('close'))), body);
  dialog.addEventListener('close', () => open?.dialog === dialog && leaveLook());
  dialog.addEventListener('click', (event) => event.target === dialog && leaveLook());
  open = { id, dialog, back: document.activeElement };
  document.body.append(dialog);
  dialog.showModal();
  try {
    fill(title, body, await recordOf(id));
  } catch (error) {
    replace(body, refusalNotice(error));
  }
}

/** Close it, and give the focus back. */
export function closeLook() {
  if (!open) return;
  const { dialog, back } = open;
  open = null;
  dialog.close();
  dialog.remove();
  back?.focus?.();
}

function fill(title, body, record) {
  replace(title, record.prompt ? bdi(record.prompt) : 'A picture without words');
  const { width, height } = sizeOf(record);
  const scale = Math.max(1, Math.floor(SIDE / Math.max(width, height)));
  const picture = pixelPicture({ url: record.url, alt: record.prompt || 'a picture without words', width, height, scale });
  replace(body,
    h('div', { class: 'look-top' }, h('div', { class: 'frame' }, picture), settingsSection(record)),
    traceSection(record), nearestSection(record), whySection(record));
}
