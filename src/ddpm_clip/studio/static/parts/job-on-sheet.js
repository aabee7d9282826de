// A sheet of pictures with the job that paints it: what Paint, Map and Edit have in common.

import './picture-sheet.js';
import { announce } from '../core/announce.js';
import { h, replace } from '../core/dom.js';
import { counted, duration } from '../core/format.js';
import { remember } from '../core/known-pictures.js';
import { models } from '../core/models.js';
import { jobLine } from './job-line.js';
import { notice, refusalNotice } from './notice.js';
import { Painter } from './painter.js';

const AT_ONCE = 400; // milliseconds within which a few-call model is expected to be done

/**
 * `jobOnSheet(part, { onDone, onEnd, isTold })`: `element`, and `ask(kind, fields)`, `cancel()`, `resume()`.
 * `part` names the job for reloads of the page; `onDone(records, fields)` gets what was painted;
 * `onEnd()` is called when a job is over, however it ended; a warning of which `isTold(message)` is true was told elsewhere.
 */
export function jobOnSheet(part, { onDone = () => {}, onEnd = () => {}, isTold = () => false } = {}) {
  const sheet = h('picture-sheet');
  const messages = h('div', { class: 'messages' });
  const warnings = h('div', { class: 'messages' }); // below the sheet, which stays where it is
  let fields = null;
  const what = () => fields.prompt || 'a picture without words';
  const stop = (text) => {
    sheet.rest();
    line.rest(text);
  };
  const refused = (error) => {
    stop('');
    replace(messages, refusalNotice(error));
    onEnd();
  };
  const painter = new Painter(part, {
    asked: (asked) => {
      fields = asked;
      replace(messages);
      replace(warnings);
      const model = models.list.find(({ id }) => id === fields.model) ?? models.current;
      if (model) sheet.expect(fields.n, model.image_size, model.few_call ? AT_ONCE : 0);
    },
    queued: ({ position }) => line.queued(position),
    started: () => line.started(),
    step: ({ step, steps, previews }) => {
      line.step(step, steps);
      if (previews) sheet.preview(previews, what());
    },
    warning: ({ message }) => isTold(message) || warnings.append(notice('warning', h('p', {}, message))),
    done: ({ result: { pictures, seconds } }) => {
      const records = pictures.map((record) => ({ model: fields.model, ...record }));
      const painted = `${counted(records.length, 'picture')} in ${duration(seconds)}`;
      remember(records);
      sheet.finish(records);
      line.rest(painted);
      announce(`Painted ${painted}.`);
      onDone(records, fields);
      onEnd();
    },
    failed: ({ error }) => refused(error),
    cancelled: () => {
      stop('Cancelled.');
      onEnd();
    },
    refused,
  });
  const line = jobLine(() => painter.cancel());
  return {
    element: h('div', { class: 'job-on-sheet' }, messages, sheet, line, warnings),
    ask: (kind, asked) => painter.ask(kind, asked),
    cancel: () => painter.cancel(),
    resume: () => painter.resume(),
    empty: () => {
      sheet.empty();
      line.rest('');
    },
  };
}
