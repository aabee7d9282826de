// Files that the page hands to the person.

import { h } from '../core/dom.js';

/** Let the browser save these bytes under this name. */
export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A button that copies a text. */
export function copyButton(text) {
  const button = h('button', { type: 'button', class: 'quiet small' }, 'Copy');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  return button;
}
