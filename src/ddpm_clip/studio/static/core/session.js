// The session with the server: a cookie that its page gets, after the key was typed where one is needed.

import { h, newId, replace } from './dom.js';

let asking = null;

/** Get a new session; `code` is that of the refusal. Resolves to whether there is one. */
export async function renewSession(code = 'E-SESSION') {
  if (code === 'E-KEY') {
    asking ??= askForKey().finally(() => { asking = null; });
    return asking;
  }
  const response = await fetch('/', { cache: 'no-store', credentials: 'same-origin' });
  return response.ok;
}

async function isRight(key) {
  const response = await fetch('/api/session', {
    method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }),
  });
  return response.ok;
}

/** Ask for the key until it is right; false if the person gives up. */
function askForKey() {
  const id = newId('key');
  const input = h('input', { id, type: 'password', autocomplete: 'current-password', required: true });
  const wrong = h('p', { class: 'hint', role: 'alert' });
  const form = h('form', { method: 'dialog' }, h('div', { class: 'field' }, h('label', { htmlFor: id }, 'The key of this server'), input), wrong,
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Open')));
  const dialog = h('dialog', { class: 'confirm', 'aria-label': 'Key' }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    const close = (answer) => {
      dialog.remove();
      resolve(answer);
    };
    dialog.addEventListener('cancel', () => close(false));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (await isRight(input.value)) close(true);
      else replace(wrong, 'This is not the key.');
    });
  });
}
