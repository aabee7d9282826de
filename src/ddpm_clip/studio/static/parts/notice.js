// Notices: a sentence in its place, or for a while at the foot of the page.

import { announce } from '../core/announce.js';
import { Unreachable } from '../core/api.js';
import { h, replace } from '../core/dom.js';

const STAYS = 7000;

/** A boxed sentence: `kind` is note, warning or error. */
export function notice(kind, ...children) {
  return h('div', { class: `notice ${kind}` }, ...children);
}

/** What the server said, as a sentence: with a capital letter and a full stop. */
export function sentence(text) {
  const said = text.trim();
  const whole = said.charAt(0).toUpperCase() + said.slice(1);
  return !said || /[.!?…:]$/.test(said) ? whole : `${whole}.`;
}

/** A refusal: what, and what would help. */
export function refusalNotice(error) {
  const box = notice('error', h('p', {}, sentence(error.message)), error.hint ? h('p', { class: 'hint' }, sentence(error.hint)) : '');
  box.setAttribute('role', 'alert');
  return box;
}

/** What cannot be said about this model: what, why, and what to do. */
export function unavailableNotice({ what, why, fix }) {
  return notice('note', h('p', {}, what), h('p', { class: 'hint' }, why), fix ? h('p', {}, fix) : '');
}

/** At the foot of the page, or of the dialog that lies above it. */
function stack() {
  const place = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  return place.querySelector(':scope > .toasts') ?? place.appendChild(h('div', { class: 'toasts' }));
}

/** Say something at the foot of the page for some seconds, perhaps with an action. */
export function say(text, action = null) {
  const toast = h('div', { class: 'toast' }, h('span', {}, text));
  const end = () => toast.remove();
  if (action) {
    toast.append(h('button', { type: 'button', class: 'quiet small', onclick: () => { end(); action.run(); } }, action.name));
  }
  toast.append(h('button', { type: 'button', class: 'bare', 'aria-label': 'Close this message', onclick: end }, '×'));
  stack().append(toast);
  announce(text);
  setTimeout(end, STAYS);
}

/** Say what went wrong; an unreachable server has its own bar already. */
export function complain(error) {
  if (error.name === 'AbortError' || error instanceof Unreachable) return;
  say([error.message, error.hint].filter(Boolean).map(sentence).join(' '));
}

/** Ask before something that cannot be undone; resolves to the answer. */
export function confirmed(question, yes) {
  const dialog = h('dialog', { class: 'confirm' });
  return new Promise((resolve) => {
    const close = (answer) => {
      dialog.remove();
      resolve(answer);
    };
    const no = h('button', { type: 'button', class: 'quiet', onclick: () => close(false) }, 'Keep');
    replace(dialog, h('p', {}, question), h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'danger', onclick: () => close(true) }, yes), no));
    dialog.setAttribute('aria-label', question);
    dialog.addEventListener('cancel', () => close(false));
    document.body.append(dialog);
    dialog.showModal();
    no.focus();
  });
}
