// The ideas of a blend: words, or the picture, each with its weight.

import { h, replace } from '../core/dom.js';
import { numberSlider } from '../parts/number-slider.js';

const MOST = 6;

/** A list that writes into the form's `ideas`. */
export function blendIdeas(form) {
  const list = h('ol', { class: 'ideas' });
  const add = h('button', { type: 'button', class: 'quiet small' }, 'Another idea');
  const change = (i, changes) => {
    form.set({ ideas: form.values.ideas.map((idea, j) => (j === i ? { ...idea, ...changes } : idea)) });
  };
  const row = (idea, i) => {
    const words = h('input', {
      type: 'text', dir: 'auto', maxlength: 4000, value: idea.prompt, 'aria-label': `Words of idea ${i + 1}`, placeholder: 'words',
      oninput: () => change(i, { prompt: words.value }),
    });
    const picture = h('input', { type: 'checkbox', onchange: () => { change(i, { picture: picture.checked }); words.disabled = picture.checked; } });
    picture.checked = Boolean(idea.picture);
    words.disabled = picture.checked;
    const remove = h('button', { type: 'button', class: 'bare', 'aria-label': `Remove idea ${i + 1}`, onclick: () => { form.set({ ideas: form.values.ideas.filter((_, j) => j !== i) }); show(); } }, '×');
    return h('li', {}, h('div', { class: 'row' }, words, form.values.ideas.length > 2 ? remove : ''),
      h('label', { class: 'check' }, picture, h('span', {}, 'the picture instead')),
      numberSlider({ label: `Weight of idea ${i + 1}`, min: 0, max: 2, step: 0.05, value: idea.weight }, (weight) => change(i, { weight })));
  };
  function show() {
    replace(list, ...form.values.ideas.map(row));
    add.disabled = form.values.ideas.length >= MOST;
  }
  add.addEventListener('click', () => {
    form.set({ ideas: [...form.values.ideas, { prompt: '', weight: 1 }] });
    show();
  });
  show();
  return h('div', { class: 'blend' }, list, add);
}
