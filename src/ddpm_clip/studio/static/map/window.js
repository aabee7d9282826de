// The part of the plane that is seen: between coordinates of the plane and pixels of the canvas.

const MARGIN = 28;
const CLOSEST = 40;

/** A window on a plane; `zoom` 1 shows all of it, with equal scales along both axes. */
export class PlaneWindow {
  constructor([left, bottom, right, top]) {
    this.bounds = [left, bottom, right, top];
    this.width = 1;
    this.height = 1;
    this.reset();
  }

  reset() {
    const [left, bottom, right, top] = this.bounds;
    this.centre = [(left + right) / 2, (bottom + top) / 2];
    this.zoom = 1;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  /** Pixels per unit of the plane. */
  get scale() {
    const [left, bottom, right, top] = this.bounds;
    const fits = Math.min((this.width - 2 * MARGIN) / (right - left || 1), (this.height - 2 * MARGIN) / (top - bottom || 1));
    return Math.max(fits, 1e-9) * this.zoom;
  }

  toPixels([x, y]) {
    return [this.width / 2 + (x - this.centre[0]) * this.scale, this.height / 2 - (y - this.centre[1]) * this.scale];
  }

  toPlane([column, row]) {
    return [this.centre[0] + (column - this.width / 2) / this.scale, this.centre[1] - (row - this.height / 2) / this.scale];
  }

  /** Zoom by a factor so that the point below `pixel` stays where it is. */
  zoomAt(pixel, factor) {
    const [x, y] = this.toPlane(pixel);
    this.zoom = Math.min(CLOSEST, Math.max(1, this.zoom * factor));
    const [column, row] = this.toPixels([x, y]);
    this.move(column - pixel[0], row - pixel[1]);
    if (this.zoom === 1) this.reset();
  }

  /** Move the window by pixels. */
  move(columns, rows) {
    this.centre = [this.centre[0] + columns / this.scale, this.centre[1] - rows / this.scale];
  }
}
