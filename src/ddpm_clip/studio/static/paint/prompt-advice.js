// Whether the training pictures cover the prompt, and what could be asked instead.

import { announce } from '../core/announce.js';
import { getJson, withQuery } from '../core/api.js';
import { bdi, h, replace } from '../core/dom.js';
import { afterPause } from '../core/wait.js';

const PAUSE = 500;

/** A button for each prompt that can be taken over. */
export function promptChips(prompts, onChoose) {
  return prompts.map((prompt) => h('button', { type: 'button', class: 'chip', onclick: () => onChoose(prompt) }, bdi(prompt)));
}

/**
 * `promptAdvice(examples, onChoose)`: an element with `ask(model, prompt)`, which shows what the
 * server says. It takes the place of the examples, so that the sheet below moves little.
 */
export function promptAdvice(examples, onChoose) {
  const element = h('div', { class: 'advice', hidden: true });
  const hide = (hidden) => {
    element.hidden = hidden;
    examples.hidden = !hidden;
  };
  let asked = null;
  let latest = null;
  const look = afterPause(PAUSE, async () => {
    latest?.abort();
    latest = new AbortController();
    try {
      const answer = await getJson(withQuery('/api/ask', asked), { signal: latest.signal });
      show(answer);
    } catch {
      hide(true); // advice is a courtesy: painting goes on without it
    }
  });

  function show({ verdict, sentence, suggestions = [] }) {
    hide(!['outside', 'thin'].includes(verdict));
    if (element.hidden) return;
    const words = suggestions.map((suggestion) => suggestion.prompt ?? suggestion);
    replace(
      element,
      h('p', {}, h('b', {}, verdict === 'outside' ? 'Outside the training pictures. ' : 'Few training pictures are near. '), sentence),
      words.length ? h('div', { class: 'chips' }, h('span', { class: 'hint' }, 'Try instead:'), ...promptChips(words, onChoose)) : '',
    );
    announce(element.textContent);
  }

  element.ask = (model, prompt) => {
    asked = { model, prompt };
    if (prompt.trim()) look();
    else {
      look.stop();
      hide(true);
    }
  };
  return element;
}
