// Light, dark, or as the system has it.

import { h, icon, replace } from '../core/dom.js';

const KEY = 'theme';
const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };
const NAMES = { auto: 'as the system', light: 'light', dark: 'dark' };

function apply(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** A button that goes through the three. */
export function themeSwitch() {
  let theme = localStorage.getItem(KEY) ?? 'auto';
  const button = h('button', { type: 'button', class: 'bare' });
  const show = () => {
    apply(theme);
    replace(button, icon(theme));
    button.title = `Colours: ${NAMES[theme]}. Change to ${NAMES[NEXT[theme]]}.`;
    button.setAttribute('aria-label', button.title);
  };
  button.addEventListener('click', () => {
    theme = NEXT[theme];
    localStorage.setItem(KEY, theme);
    show();
  });
  show();
  return button;
}
