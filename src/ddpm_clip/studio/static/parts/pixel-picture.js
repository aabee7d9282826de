// <pixel-picture>: a small picture, enlarged by a whole number so that each pixel stays a square.

import { h, replace } from '../core/dom.js';

/** The bytes behind `data:image/png;base64,…`. */
function bytesOf(dataUrl) {
  const text = atob(dataUrl.slice(dataUrl.indexOf(',') + 1));
  return new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], { type: 'image/png' });
}

/**
 * `show(url, alt)` shows an address as an image, and a data URL drawn on a canvas: the page's
 * content security policy allows no image from elsewhere, data URLs included.
 * `resize(width, height, scale)` gives the natural size and the whole-number scale.
 */
class PixelPicture extends HTMLElement {
  #latest = 0;

  resize(width, height, scale) {
    this.style.setProperty('--width', `${width * scale}px`);
    this.style.setProperty('--height', `${height * scale}px`);
  }

  async show(url, alt) {
    this.#latest += 1;
    if (url.startsWith('data:')) await this.#draw(url, alt, this.#latest);
    else await this.#load(url, alt, this.#latest);
  }

  clear() {
    this.#latest += 1;
    replace(this);
  }

  /** Replace what is shown once the new picture is there, so that nothing flickers. */
  async #load(url, alt, turn) {
    const image = h('img', { src: url, alt, draggable: 'false' });
    try {
      await image.decode();
    } catch {
      image.alt = `${alt} (this picture is no longer there)`;
    }
    if (turn === this.#latest) replace(this, image);
  }

  async #draw(url, alt, turn) {
    const bitmap = await createImageBitmap(bytesOf(url));
    if (turn !== this.#latest) return;
    let canvas = this.querySelector('canvas');
    if (!canvas) {
      canvas = h('canvas', { role: 'img' });
      replace(this, canvas);
    }
    canvas.setAttribute('aria-label', alt);
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
  }
}

customElements.define('pixel-picture', PixelPicture);

/** A picture of natural `width` x `height`, shown `scale` times as large. */
export function pixelPicture({ url = null, alt = '', width = 32, height = 32, scale = 3 }) {
  const picture = h('pixel-picture');
  picture.resize(width, height, scale);
  if (url) picture.show(url, alt);
  return picture;
}
