// A picture's way from noise: what the network sees, what it foresees, what the words add.

import { h, icon, newId, replace } from '../core/dom.js';
import { number } from '../core/format.js';
import { resultOf } from '../core/jobs.js';
import { refusalNotice, unavailableNotice } from '../parts/notice.js';
import { pixelPicture } from '../parts/pixel-picture.js';

const PANELS = {
  x_t: ['What the network sees', 'the picture with the noise that is left'],
  x_0: ['What it foresees', 'the clean picture it would bet on now'],
  words: ['What the words add', 'what it foresees with them, less what without: grey is nothing; empty where guidance is off'],
};
const BETWEEN = 220;

/** Players stop when their dialog is gone. */
function player(button, go, isShown) {
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    replace(button, icon('play'), 'Play');
  };
  button.addEventListener('click', () => {
    if (timer) return stop();
    replace(button, icon('pause'), 'Pause');
    timer = setInterval(() => (isShown() && go() ? null : stop()), BETWEEN);
    return undefined;
  });
  stop();
}

function wayOf({ steps, width = 32, height = 32 }) {
  const scale = Math.max(1, Math.min(6, Math.floor(192 / width)));
  const panels = Object.entries(PANELS)
    .filter(([key]) => steps.some((step) => step[key]))
    .map(([key, [title, text]]) => ({ key, title, text, picture: pixelPicture({ width, height, scale }) }));
  const level = h('p', { class: 'level' }); // the slider says it to screen readers
  const last = steps.length - 1;
  const id = newId('way');
  const slider = h('input', { id, type: 'range', min: 0, max: last, step: 1, value: last });
  const strip = steps.map((step, i) => {
    const picture = pixelPicture({ url: step.x_0, width, height, scale: 1 });
    picture.addEventListener('click', () => go(i));
    return picture;
  });

  function go(i) {
    slider.value = i;
    const step = steps[i];
    const said = `step ${i + 1} of ${steps.length}`;
    for (const { key, title, picture } of panels) {
      if (step[key]) picture.show(step[key], `${title}, ${said}`);
      else picture.clear();
    }
    const scaled = step.words_scale ? `, words shown ${number(step.words_scale)} times as strong` : '';
    level.textContent = `${said}, t = ${number(step.t)}, noise to picture ${number(step.sigma_over_alpha)}${scaled}`;
    slider.setAttribute('aria-valuetext', level.textContent);
    strip.forEach((picture, j) => picture.classList.toggle('now', j === i));
  }

  slider.addEventListener('input', () => go(Number(slider.value)));
  const play = h('button', { type: 'button', class: 'quiet small' });
  player(play, () => {
    const at = Number(slider.value);
    go(at === last ? 0 : at + 1);
    return at !== last - 1;
  }, () => slider.isConnected);
  go(last);
  return [
    h('div', { class: 'way' }, ...panels.map(({ title, text, picture }) =>
      h('figure', {}, h('div', { class: 'frame' }, picture), h('figcaption', {}, h('b', {}, title), h('span', {}, text))))),
    h('div', { class: 'way-slider' }, play, h('label', { htmlFor: id, class: 'visually-hidden' }, 'Step, from noise to picture'), slider),
    level, h('div', { class: 'strip', 'aria-hidden': 'true' }, ...strip),
  ];
}

export function traceSection(record) {
  const body = h('div', {}, h('p', { class: 'hint' }, 'Painting it once more, to see each step …'));
  resultOf('trace', { model: record.model, picture: record.id })
    .then((result) => replace(body, result.unavailable ? unavailableNotice(result.unavailable) : wayOf(result)))
    .catch((error) => replace(body, refusalNotice(error)));
  return h('section', {}, h('h3', {}, 'Its way from noise'), body);
}
