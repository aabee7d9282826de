// What may harm a training on some pictures: the doctor's report.

import { h, replace } from '../core/dom.js';
import { number } from '../core/format.js';
import { follow, cancel, submit } from '../core/jobs.js';
import { jobLine } from '../parts/job-line.js';
import { refusalNotice } from '../parts/notice.js';

const SIGNS = { ok: '✓', note: 'i', warning: '!', error: '×' };
const SAID = { ok: 'good', note: 'note', warning: 'warning', error: 'error' };

function finding({ level, title, text }) {
  return h('li', { class: `finding ${level}` },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[level] ?? '!'),
    h('div', {}, h('span', { class: 'visually-hidden' }, `${SAID[level] ?? level}: `), h('b', {}, title), h('p', { class: 'hint' }, text)));
}

/** `doctorReport()`: an element with `ask(source)`, which looks through the pictures of a source. */
export function doctorReport() {
  const list = h('ul', { class: 'findings' });
  let job = null;
  let stop = () => {};
  const line = jobLine(() => job && cancel(job));
  const element = h('div', { class: 'doctor' }, line, list);

  element.ask = async (source) => {
    stop();
    if (job) cancel(job);
    replace(list);
    line.busy('looking through the pictures');
    try {
      const id = await submit('scan', { source });
      job = id;
      const end = (text) => {
        job = null;
        line.rest(text);
      };
      stop = follow(id, {
        step: ({ step, steps }) => line.step(step, steps, `picture ${number(step)} of ${number(steps)}`),
        done: ({ result }) => {
          end('');
          replace(list, ...result.findings.map(finding));
        },
        failed: ({ error }) => {
          end('');
          replace(list, h('li', {}, refusalNotice(error)));
        },
        cancelled: () => end('Not looked through.'),
        lost: () => end('The server was started again; look through the pictures once more.'),
      });
    } catch (error) {
      line.rest('');
      replace(list, h('li', {}, refusalNotice(error)));
    }
  };
  return element;
}
