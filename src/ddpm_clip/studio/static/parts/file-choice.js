// A place where files are dropped, pasted or chosen.

import { h, newId } from '../core/dom.js';

/** The files of a drop, those of dropped folders included. */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return (await Promise.all(found.map(filesBelow))).flat();
    found.push(...some);
  }
}

/** `fileChoice({ label, hint, accept, multiple }, onFiles)`: calls with an array of files. */
export function fileChoice({ label, hint, accept, multiple = false }, onFiles) {
  const id = newId('files');
  const input = h('input', { id, type: 'file', accept, multiple, class: 'visually-hidden' });
  const zone = h('div', { class: 'drop-zone' }, input, h('label', { htmlFor: id }, h('b', {}, label), h('span', { class: 'hint' }, hint)));
  const take = (files) => files.length && onFiles(multiple ? files : files.slice(0, 1));
  input.addEventListener('change', () => {
    take([...input.files]);
    input.value = '';
  });
  const over = (event, inside) => {
    event.preventDefault();
    zone.classList.toggle('over', inside);
  };
  zone.addEventListener('dragover', (event) => over(event, true));
  zone.addEventListener('dragleave', (event) => over(event, false));
  zone.addEventListener('drop', async (event) => {
    over(event, false);
    take(await filesOf(event.dataTransfer));
  });
  zone.addEventListener('paste', (event) => take([...event.clipboardData.files]));
  return zone;
}
