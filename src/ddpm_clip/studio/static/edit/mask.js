// A mask: which pixels of a picture shall be painted anew.

/** One byte a pixel, 1 where to paint. */
export class Mask {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.cells = new Uint8Array(width * height);
  }

  /** The mask as lengths of runs: so many pixels that stay, so many to paint anew, and so on. */
  get runs() {
    const runs = [0];
    let on = 0;
    for (const cell of this.cells) {
      if (cell !== on) {
        runs.push(0);
        on = cell;
      }
      runs[runs.length - 1] += 1;
    }
    return runs;
  }

  /** Take over what `runs` gave. */
  take(runs) {
    let at = 0;
    runs.forEach((length, i) => {
      this.cells.fill(i % 2, at, at + length);
      at += length;
    });
  }

  get isEmpty() {
    return !this.cells.includes(1);
  }

  /** Share of the picture that is painted anew. */
  get share() {
    return this.cells.reduce((sum, cell) => sum + cell, 0) / this.cells.length;
  }

  /** Set or clear a disc around a pixel. */
  dab([x, y], size, on) {
    const radius = size / 2;
    for (let row = Math.floor(y - radius); row <= y + radius; row += 1) {
      for (let column = Math.floor(x - radius); column <= x + radius; column += 1) {
        if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= Math.max(radius, 0.71)) this.#set(column, row, on);
      }
    }
  }

  /** Dabs along a line, close enough to leave no gap. */
  stroke([x0, y0], [x1, y1], size, on) {
    const count = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0)));
    for (let i = 0; i <= count; i += 1) {
      this.dab([x0 + ((x1 - x0) * i) / count, y0 + ((y1 - y0) * i) / count], size, on);
    }
  }

  rectangle(left, top, width, height) {
    for (let row = top; row < top + height; row += 1) {
      for (let column = left; column < left + width; column += 1) this.#set(column, row, true);
    }
  }

  clear() {
    this.cells.fill(0);
  }

  invert() {
    this.cells.forEach((cell, i) => { this.cells[i] = 1 - cell; });
  }

  #set(column, row, on) {
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return;
    this.cells[row * this.width + column] = on ? 1 : 0;
  }

  /** Draw it on a canvas of its size: `on` and `off` are [red, green, blue, opacity]. */
  drawOn(canvas, on, off) {
    canvas.width = this.width;
    canvas.height = this.height;
    const context = canvas.getContext('2d');
    const image = context.createImageData(this.width, this.height);
    this.cells.forEach((cell, i) => image.data.set(cell ? on : off, 4 * i));
    context.putImageData(image, 0, 0);
  }

  /** The PNG that the server reads: white where to paint anew, black elsewhere. */
  png() {
    const canvas = document.createElement('canvas');
    this.drawOn(canvas, [255, 255, 255, 255], [0, 0, 0, 255]);
    return new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
  }
}
