// What a screen reader is told, politely and rarely: the last of several words in a second.

import { h } from './dom.js';

const QUIET = 1000;
let waiting = null;

/** Where words are heard: an open dialog makes all that lies below it silent, so it has a place of its own. */
function place() {
  const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
  if (!dialog) return document.getElementById('announcements');
  return dialog.querySelector('.announced') ?? dialog.appendChild(h('p', { class: 'visually-hidden announced', role: 'status' }));
}

/** Say this as soon as a second has passed without another. */
export function announce(text) {
  clearTimeout(waiting);
  place(); // made before it is filled, or it would not be heard
  waiting = setTimeout(() => {
    place().textContent = text;
  }, QUIET);
}
