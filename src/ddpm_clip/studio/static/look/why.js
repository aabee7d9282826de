// Why?: the analyses of `explain`, each with its verdict as soon as it comes.

import { announce } from '../core/announce.js';
import { h, replace } from '../core/dom.js';
import { cancel, follow, note, notedJob, submit } from '../core/jobs.js';
import { jobLine } from '../parts/job-line.js';
import { notice, refusalNotice } from '../parts/notice.js';

const VERDICTS = { pass: 'passed', fail: 'failed', inconclusive: 'inconclusive', skipped: 'not tested' };

function panelFigure({ url, alt, title, note }) {
  const image = h('img', { src: url, alt: title ?? alt, loading: 'lazy' });
  return h('figure', {},
    h('div', { class: 'panel' }, h('a', { href: url, target: '_blank', rel: 'noopener', title: 'Open this panel alone' }, image)),
    note ? h('figcaption', { class: 'hint' }, note) : '');
}

function card({ title, question, verdict, sentence, panels = [], skipped }) {
  const kind = skipped ? 'skipped' : verdict;
  return h('article', { class: `analysis ${kind}` },
    h('header', {}, h('h4', {}, title), h('span', { class: 'mark' }, VERDICTS[kind] ?? kind)),
    question ? h('p', { class: 'question' }, question) : '',
    h('p', {}, skipped ?? sentence),
    ...panels.map(panelFigure));
}

export function whySection(record) {
  const part = `explain:${record.id}`;
  const cards = h('div', { class: 'analyses' });
  const start = h('button', { type: 'button', class: 'primary' }, 'Why?');
  let id = null;
  const line = jobLine(() => cancel(id));
  const end = (text, again = true) => {
    const held = line.isHeld;
    line.rest(text);
    start.hidden = !again;
    if (held && again) start.focus();
    note(part, null);
  };
  const handlers = {
    queued: ({ position }) => line.queued(position),
    started: () => line.busy('running the analyses'),
    step: ({ step, steps }) => line.step(step, steps, `${step} of ${steps} analyses are done`),
    warning: ({ message }) => cards.append(notice('warning', message)),
    part: (analysis) => {
      cards.append(card(analysis));
      announce(`${analysis.title}: ${VERDICTS[analysis.verdict] ?? 'not tested'}`);
    },
    done: () => end('All analyses have answered.', false),
    failed: ({ error }) => {
      end('');
      cards.append(refusalNotice(error));
    },
    cancelled: () => end('Cancelled.'),
    lost: () => end('The server was started again; ask once more.'),
  };
  const go = (job) => {
    id = job;
    line.queued(0);
    if (document.activeElement === start) line.hold();
    start.hidden = true;
    replace(cards);
    note(part, { id });
    follow(id, handlers);
  };
  start.addEventListener('click', async () => {
    if (start.ariaDisabled === 'true') return;
    start.ariaDisabled = 'true';
    try {
      go(await submit('explain', { model: record.model, picture: record.id, quick: true }));
    } catch (error) {
      replace(cards, refusalNotice(error));
    }
    start.ariaDisabled = 'false';
  });
  if (notedJob(part)) go(notedJob(part).id);
  return h('section', {},
    h('h3', {}, 'Why does it look like this?'),
    h('p', { class: 'hint' }, 'Each analysis asks one question of the model and ends in a test that could have failed. It takes minutes; it goes on while this is closed.'),
    start, line, cards);
}
