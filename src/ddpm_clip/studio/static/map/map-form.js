// What a person has set in the Map view.

import { Form } from '../core/form.js';

export const mapForm = new Form('map', { prompt: '', mode: 'point', n: 4, seed: 1, at: null, path: null });
