// The studio's page: the frame around the views, and the view that the address names.

import { connection, watchConnection } from './core/connection.js';
import { h, icon, replace } from './core/dom.js';
import { loadModels, models } from './core/models.js';
import { place, onPlace } from './core/router.js';
import { closeLook, openLook } from './look/look-inside.js';
import { modelChoice } from './parts/model-choice.js';
import { complain } from './parts/notice.js';
import { themeSwitch } from './parts/theme-switch.js';

const VIEWS = {
  paint: { title: 'Paint', load: () => import('./paint/paint-view.js') },
  map: { title: 'Map', load: () => import('./map/map-view.js') },
  edit: { title: 'Edit', load: () => import('./edit/edit-view.js') },
  gallery: { title: 'Gallery', load: () => import('./gallery/gallery-view.js') },
  train: { title: 'Train', load: () => import('./train/train-view.js') },
};

const main = document.querySelector('main');
let shown = null;

/** Draw the navigation and the tools of the head, once. */
function drawFrame() {
  const links = Object.entries(VIEWS).map(([name, { title }]) =>
    h('a', { href: `#/${name}`, dataset: { view: name } }, icon(name), h('span', {}, title)));
  replace(document.querySelector('.frame-nav'), ...links);
  replace(document.querySelector('.frame-tools'), modelChoice(), themeSwitch());
}

/** Mark the link of the view that is shown, for eyes and for screen readers. */
function markLink(name) {
  for (const link of document.querySelectorAll('.frame-nav a')) {
    if (link.dataset.view === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

/** Show the view of the address; a picture that is looked into lies above it. */
async function show({ view, look }) {
  const name = view in VIEWS ? view : 'paint';
  if (name !== shown?.name) await change(name);
  if (look) openLook(look);
  else closeLook();
}

/** Views are made when they are first shown, and kept: what they do goes on behind others. */
async function change(name) {
  const first = shown === null;
  shown = { name };
  markLink(name);
  document.title = `${VIEWS[name].title} · ddpm_clip studio`;
  const { createView } = await VIEWS[name].load();
  if (shown.name !== name) return;
  VIEWS[name].made ??= createView();
  replace(main, VIEWS[name].made.element);
  VIEWS[name].made.enter();
  if (!first) main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/** Learn which models there are; while the server is away, ask again when it is back. */
async function learnModels() {
  try {
    await loadModels();
  } catch (error) {
    complain(error);
  }
}

drawFrame();
watchConnection(document.querySelector('.connection'));
connection.addEventListener('back', () => models.list.length || learnModels());
onPlace(show);
learnModels();
show(place());
