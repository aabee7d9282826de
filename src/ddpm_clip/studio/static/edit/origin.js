// What made a picture that was dropped, if it is one of ours, and the proof: painted again.

import { bdi, h, replace } from '../core/dom.js';
import { counted, number } from '../core/format.js';
import { resultOf } from '../core/jobs.js';
import { sizeOf } from '../core/known-pictures.js';
import { settingsOf } from '../look/picture-settings.js';
import { useAgain } from '../look/use-again.js';
import { notice, refusalNotice } from '../parts/notice.js';

function sentence({ equal, differing, largest }, record) {
  const { width, height } = sizeOf(record);
  if (equal) return `Painted again: all ${counted(width * height, 'pixel')} are equal.`;
  return `Painted again: ${counted(differing, 'pixel')} of ${number(width * height)} differ, by at most ${number(largest)} of 255.`;
}

/** A card for a picture whose settings are known; an empty element for any other. */
export function originCard(record) {
  const known = record.parameters ?? {};
  const prompt = record.prompt || known.prompt;
  if (!Object.keys(known).length) return h('p', { class: 'hint' }, 'Its file does not say what made it.');
  const facts = settingsOf(record).map(([name, value]) => `${name.toLowerCase()} ${value}`).join(', ');
  const answer = h('div', { class: 'messages', 'aria-live': 'polite' });
  const again = h('button', { type: 'button', class: 'quiet' }, 'Again');
  again.addEventListener('click', async () => {
    again.disabled = true;
    replace(answer, h('p', { class: 'hint' }, 'Painting it again …'));
    try {
      const result = await resultOf('reproduce', { model: record.model, picture: record.id });
      replace(answer, notice(result.equal ? 'note' : 'warning', h('p', {}, sentence(result, record))));
    } catch (error) {
      replace(answer, refusalNotice(error));
    }
    again.disabled = false;
  });
  return h('section', { class: 'card origin', 'aria-label': 'What made it' },
    h('p', {}, prompt ? bdi(prompt) : 'Painted without words'), h('p', { class: 'hint' }, facts),
    h('div', { class: 'buttons' }, again, useAgain({ ...record, prompt, seed: record.seed ?? known.seed }, 'quiet')), answer);
}
