// Zips of files that are stored as they are: one request carries all pictures that were dropped.

const MOST_BYTES = 0xffffffff;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of bytes, as zips hold it. */
export function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** Fields of a header, each with its width in bytes, as a byte array. */
function packed(fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [width]) => sum + width, 0)));
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

/** What both headers of a file share: version, UTF-8 names, stored, 1 January 1980, checksum, sizes. */
function common(crc, size, name) {
  return [[2, 20], [2, 0x0800], [2, 0], [2, 0], [2, 0x21], [4, crc], [4, size], [4, size], [2, name.length], [2, 0]];
}

/** A name that keeps nothing of the file's own but its suffix; the server names anew in any case. */
function plainName(file, index) {
  const suffix = /\.[a-z0-9]{1,5}$/i.exec(file.name)?.[0].toLowerCase() ?? '';
  return new TextEncoder().encode(`${String(index).padStart(6, '0')}${suffix}`);
}

/** Put files into a zip. */
export async function zipOf(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [index, file] of files.entries()) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const name = plainName(file, index);
    const fields = common(crc32(bytes), bytes.length, name);
    const head = packed([[4, 0x04034b50], ...fields]);
    parts.push(head, name, bytes);
    directory.push(packed([[4, 0x02014b50], [2, 20], ...fields, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), name);
    offset += head.length + name.length + bytes.length;
    if (offset > MOST_BYTES) throw new Error('These files are larger than 4 GB together. Give a folder below --data.');
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = packed([[4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}
